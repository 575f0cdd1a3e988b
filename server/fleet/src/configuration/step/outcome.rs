//! What came of what was asked.

use super::{
    super::{Ask, Asking, ConfiguredState, LineState, Standing, Want, Way, Written},
    MAX_TRIES, REST, Steps,
};

impl Steps<'_> {
    /// The device did what it was asked.
    pub(super) fn done(&mut self, asking: &Asking) {
        let (now, registration, mut repaired) = (self.now, self.row.registration, 0);
        if asking.ask == Ask::TakeBack {
            return self.has_left(asking);
        }
        for key in &asking.lines {
            let wanted = self.desired.lines.get(key).map(|wanted| &wanted.line);
            let set = match wanted.map(|line| (line.digest(), &line.want)) {
                Some((digest, Want::Attributes(attributes))) => Some((digest, attributes.names().collect())),
                _ => None,
            };
            let Some(line) = self.line(*key) else { continue };
            if asking.ask == Ask::Look {
                line.looked = true;
                continue;
            }
            if line.settled && !line.proving {
                line.repairs.retain(|at| at.after(LineState::REPAIRS_COUNT_FOR) > now);
                line.repairs.push(now);
                let more = line.repairs.len().saturating_sub(LineState::MAX_REPAIRS);
                line.repairs.drain(..more);
                repaired += 1;
            }
            // Of what was wanted when it was written, whatever is wanted by now.
            let digest = line.want;
            let operation = asking.operation;
            // Of attributes that are not wanted like that any more it stands there which there may be.
            let set = set.filter(|(wanted, _)| *wanted == digest).map(|(_, attributes)| attributes);
            let attributes = set.unwrap_or_else(|| line.set_attributes().to_vec());
            line.written = Some(Written { digest, at: now, operation, registration, attributes });
            line.looked = false;
            line.proving = asking.ask == Ask::Write;
            line.standing = Standing::Unknown;
        }
        self.counted.repaired += repaired;
    }

    /// It answered with an error.
    pub(super) fn refused(&mut self, asking: &Asking, reason: &str) {
        // It keeps them: nothing of that is wanted.
        if asking.ask == Ask::TakeBack {
            return self.has_left(asking);
        }
        let several = asking.lines.len() > 1;
        match (asking.ask, several) {
            (Ask::Look, true) => {
                self.row.way = match self.row.way {
                    Way::Composite => Way::Instance,
                    Way::Instance | Way::Resource => Way::Resource,
                };
            }
            // All of them, or none (LwM2M Core 1.1.1 §6.3.9): which one it was is found one by one.
            (Ask::Write, true) => self.row.singly = true,
            (ask, _) => {
                let Some(line) = asking.lines.first().and_then(|key| self.line(*key)) else { return };
                match ask {
                    // Not there: that is what it has.
                    Ask::Look if reason.starts_with("4.04") => line.looked = true,
                    Ask::Look => line.blind = true,
                    _ => line.refused = Some(reason.to_owned()),
                }
            }
        }
    }

    /// Whether the device was asked for several things at once, and does not answer that.
    pub(super) fn was_composite_in_vain(&self, asking: &Asking) -> bool {
        let answers = self.seen.registered.as_ref().is_none_or(|listening| listening.composites);
        self.row.way == Way::Composite && asking.lines.len() > 1 && !answers
    }

    /// Nobody knows whether it did.
    pub(super) fn failed(&mut self, reason: &str) {
        self.row.tries = self.row.tries.saturating_add(1);
        let tries = self.row.tries;
        if tries >= MAX_TRIES {
            self.row.rests_until = None;
            return self.enter(ConfiguredState::Failed, &format!("{reason} ({tries} of {MAX_TRIES} tries)"));
        }
        self.row.rests_until = Some(self.now.after(REST * (1 << (tries - 1))));
        self.enter(ConfiguredState::Waiting, &format!("try {tries} of {MAX_TRIES}: {reason}"));
    }
}
