//! Lines that are looked at before the next check, for something has told that they may be otherwise.
//!
//! None of it is taken for what the device has: it leads to a Read, and what that says counts. So a client that goes on with its
//! old lifetime after it took a new one (Wakaama, until its next Update) is read once at most, and written to for nothing.

use objects::{Path, ResourceId, Value, Version};

use super::{
    super::{
        AccountTerms, Digest, LineKey, LineState, Listening, Overwritten, Standing, Want,
        line::same,
        seen::{BINDING, LIFETIME, SERVER},
    },
    Steps, never_read,
};

impl Steps<'_> {
    /// An Update that says another lifetime or binding than the one before, and so other than what is known of the account, is a
    /// sign that this has changed. What a registration has said before is none.
    pub(super) fn doubt_by_terms(&mut self, listening: &Listening) {
        let now = &listening.terms;
        let Some(before) = self.row.terms.replace(now.clone()).filter(|before| before != now) else { return };
        let Some(account) = listening.account() else { return };
        let news = [(LIFETIME, before.lifetime != now.lifetime), (BINDING, before.binding != now.binding)];
        for (resource, _) in news.into_iter().filter(|(_, is_new)| *is_new) {
            let key = LineKey { path: Path::Resource(SERVER, account, resource), attributes: false };
            let wanted = self.desired.lines.get(&key).map(|wanted| &wanted.line.want);
            let (Some(want @ Want::Value(value)), at) = (wanted, self.now) else { continue };
            let Some(line) = self.row.lines.iter_mut().find(|line| line.key == key) else { continue };
            let agrees = agrees(resource, value, now, listening.lwm2m);
            let is_news = match line.standing {
                Standing::InLine => !agrees,
                Standing::Out | Standing::Flapping => agrees,
                Standing::Unknown | Standing::Refused => false,
            };
            if is_news && !never_read(listening, line, want) {
                line.doubt(at);
            }
        }
    }

    /// What somebody has written by this server is looked at; what nobody can read is known to be other than it was written.
    pub(super) fn doubt_by_writes(&mut self, listening: &Listening) {
        for (key, overwritten) in &self.seen.overwritten {
            let Some(want) = self.desired.lines.get(key).map(|wanted| &wanted.line.want) else { continue };
            let Some(line) = self.row.lines.iter_mut().find(|line| line.key == *key) else { continue };
            let is_known = overwritten.agrees && line.standing == Standing::InLine;
            if is_known || !overwritten.counts_of(line) || line.doubted_at == Some(overwritten.at) {
                continue;
            }
            let is_read = !key.attributes && !never_read(listening, line, want);
            line.doubt(overwritten.at);
            if let Some(written) = line.written.as_mut().filter(|_| !is_read && !overwritten.agrees) {
                written.digest = Digest::default();
            }
        }
    }
}

impl Overwritten {
    /// Whether it came after what the engine has written, and after what was looked at since.
    pub(super) fn counts_of(&self, line: &LineState) -> bool {
        let written = line.written.as_ref();
        written.is_none_or(|written| written.operation != self.operation && written.at < self.at)
            && line.doubted_at.is_none_or(|doubted| doubted <= self.at)
    }
}

/// Whether a registration says what is wanted.
fn agrees(resource: ResourceId, value: &Value, terms: &AccountTerms, lwm2m: Version) -> bool {
    if resource == LIFETIME {
        return same(value, &Value::Integer(terms.lifetime.0.into()));
    }
    let Value::String(wanted) = value else { return false };
    // LwM2M 1.0.2 §5.3.1.1: there queue mode is a letter of the binding. In whatever order they stand.
    let is_queued = lwm2m < Version::V1_1;
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().filter(|letter| *letter != 'Q').collect();
        letters.sort_unstable();
        letters
    };
    letters(wanted) == letters(&terms.binding.transports)
        && (!is_queued || wanted.contains('Q') == terms.binding.queue_mode)
}
