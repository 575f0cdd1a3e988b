//! What a bootstrap put right: LwM2M Core 1.1.1 §6.1.7.7 lets a device refuse to finish (4.06) because what it holds does not
//! fit together. A session then looks, compares, mends and finishes again; a [`Repair`] is one such round.

use std::time::Duration;

use objects::{ContentFormat, Path};

use super::{BootstrapRecord, BootstrapResult};
use crate::Timestamp;

/// One round of a repair: why, what was found, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// When it began.
    pub at: Timestamp,
    /// What set it off, such as `Finish: 4.06 (“/1/0/7 is missing”)`. At most [`Repair::MAX_TEXT`] bytes.
    pub cause: String,
    /// What was found; at most [`Repair::MAX_FINDINGS`]. What is beyond is found by the next round.
    pub findings: Vec<Finding>,
    /// The format in which the whole account was written anew, with what is optional in it, because nothing that could be
    /// mended was to be seen.
    pub anew: Option<ContentFormat>,
}

/// One thing that is not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: an instance, or a resource that the plan writes by itself.
    pub path: Path,
    /// What is wrong there, such as `/1/0/1 is 60, not 86400`. At most [`Repair::MAX_TEXT`] bytes.
    pub what: String,
    /// What was done and what the device answered, such as `Delete /1/3: 2.02`; or why nothing was. As long at most.
    pub done: String,
}

/// What earlier sessions of a device have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lessons {
    /// The device finished only when everything was written with what is optional, in this format: so it is from the
    /// beginning, and need not be repaired each time.
    pub anew: Option<ContentFormat>,
    /// Whether a session may repair; none does while the last repair that came to nothing is less than
    /// [`Repair::REST`] ago.
    pub may_repair: bool,
}

impl Repair {
    /// How many rounds a session has at most.
    pub const MAX_ROUNDS: usize = 3;
    /// No round begins later than this after the first one did. A step itself ends with its exchange (RFC 7252 §4.8.2).
    pub const WITHIN: Duration = Duration::from_secs(600);
    /// How long sessions of a device do not repair after one has given up: devices come again by themselves.
    pub const REST: Duration = Duration::from_secs(3_600);
    /// How many findings a round has at most.
    pub const MAX_FINDINGS: usize = 32;
    /// How many bytes each of the texts has at most.
    pub const MAX_TEXT: usize = 200;
}

impl Lessons {
    /// What the sessions of a device, the newest first, have shown by now.
    pub fn of(sessions: &[BootstrapRecord], now: Timestamp) -> Self {
        let mut repaired = sessions.iter().filter(|session| !session.repairs.is_empty());
        let newest = repaired.clone().next();
        let gave_up = newest.filter(|session| session.result == BootstrapResult::Failed);
        let rests = gave_up
            .and_then(|session| session.ended_at)
            .is_some_and(|ended_at| now.since(ended_at) < Repair::REST);
        let finished = repaired.find(|session| session.result == BootstrapResult::Finished);
        let anew = finished.and_then(|session| session.repairs.last()?.anew);
        Self { anew, may_repair: !rests }
    }
}

impl Default for Lessons {
    fn default() -> Self {
        Self { anew: None, may_repair: true }
    }
}

impl BootstrapRecord {
    /// What became of its repairs, as a word for metrics and people: `repaired`, `gave up`, or that they are `under way`. None if
    /// it needed none.
    pub fn repaired(&self) -> Option<&'static str> {
        (!self.repairs.is_empty()).then_some(match self.result {
            BootstrapResult::UnderWay => "under way",
            BootstrapResult::Finished => "repaired",
            BootstrapResult::Failed => "gave up",
        })
    }

    /// The same for a person, with what was found and done; empty if it needed none.
    pub(crate) fn repairs_said(&self) -> String {
        let rounds = match self.repairs.len() {
            0 => return String::new(),
            1 => "1 repair".to_owned(),
            more => format!("{more} repairs"),
        };
        let said = |repair: &Repair| {
            let found = repair.findings.iter().map(|finding| format!("{} ({})", finding.what, finding.done));
            let anew = repair.anew.map(|format| format!("everything written anew in {format}"));
            found.chain(anew).collect::<Vec<_>>()
        };
        format!("{rounds}: {}", self.repairs.iter().flat_map(said).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BootstrapId, DeviceId, RequestId};

    fn session(ended_at: i64, result: BootstrapResult, anew: &[Option<ContentFormat>]) -> BootstrapRecord {
        let repair = |anew: &Option<ContentFormat>| Repair {
            at: Timestamp(0),
            cause: "Finish: 4.06".into(),
            findings: Vec::new(),
            anew: *anew,
        };
        BootstrapRecord {
            id: BootstrapId::new(Timestamp(ended_at), [1; 10]),
            device: DeviceId(1),
            request: RequestId::from_random([2; 16]),
            started_at: Timestamp(0),
            ended_at: Some(Timestamp(ended_at)),
            result,
            reason: String::new(),
            credential: None,
            steps: Vec::new(),
            repairs: anew.iter().map(repair).collect(),
        }
    }

    #[test]
    fn after_a_repair_in_vain_none_is_tried_for_a_while() {
        let rest = i64::try_from(Repair::REST.as_millis()).unwrap();
        let gave_up = session(1_000, BootstrapResult::Failed, &[None]);
        // What failed since, without a repair, does not make the rest longer.
        let since = session(2_000, BootstrapResult::Failed, &[]);
        let sessions = [since, gave_up];
        assert!(!Lessons::of(&sessions, Timestamp(1_000 + rest - 1)).may_repair);
        assert!(Lessons::of(&sessions, Timestamp(1_000 + rest)).may_repair);
        let repaired = session(3_000, BootstrapResult::Finished, &[None]);
        assert!(Lessons::of(&[repaired, sessions[1].clone()], Timestamp(3_001)).may_repair);
        assert_eq!(Lessons::of(&[], Timestamp(0)), Lessons::default());
    }

    #[test]
    fn what_a_device_wanted_to_have_is_remembered_from_the_last_repair_that_went_well() {
        let tlv = Some(ContentFormat::TLV);
        let well = session(1, BootstrapResult::Finished, &[None, tlv]);
        let plain = session(2, BootstrapResult::Finished, &[]);
        let in_vain = session(3, BootstrapResult::Failed, &[Some(ContentFormat::SENML_CBOR)]);
        assert_eq!(Lessons::of(&[in_vain, plain, well.clone()], Timestamp(9)).anew, tlv);
        let mended = session(4, BootstrapResult::Finished, &[None]);
        assert_eq!(Lessons::of(&[mended, well], Timestamp(9)).anew, None, "the last one counts");
    }
}
