//! What is next with a device's configuration: decided by its row, by what is desired, by what was seen, and by the time.
//!
//! A device is asked at most one thing at a time: it is read, what is wrong is written, and what was written is read back. A
//! step that was cut off anywhere is taken up by looking again: all that is ever asked may be asked twice.

mod ask;
mod compare;
mod doubt;
mod outcome;
mod take_back;

use std::time::Duration;

use super::{
    Ask, Asked, Configured, ConfiguredState, Desired, LineKey, LineState, Listening, Mode, Seen, Standing,
    Want, Way,
};
use crate::{DeviceId, Operation, Timestamp};

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The row as it is now; [`Configured::asking`] is filled in once the operation has a name.
    pub row: Configured,
    /// What to ask of the device.
    pub request: Option<Request>,
    /// What the step has come upon.
    pub counted: Counted,
}

/// What steps have come upon, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Lines that had been right and are not any more.
    pub found: usize,
    /// Lines that were put right.
    pub repaired: usize,
    /// Lines that are put right no more, for they do not stay so.
    pub stopped: usize,
}

/// What to ask of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What for.
    pub ask: Ask,
    /// About which lines.
    pub lines: Vec<LineKey>,
    /// As what. That of [`Ask::Secret`] is not to be stored.
    pub operation: Operation,
}

/// How often in a row a device may fail before it is left alone until its next check.
const MAX_TRIES: u8 = 5;
/// How long a device is left alone after a failure; twice as long after each further one.
const REST: Duration = Duration::from_secs(60);
/// How often it is looked whether a device that says nothing listens again.
const LISTEN_AGAIN: Duration = Duration::from_secs(3_600);
/// How long what was asked may be under way before it is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Configured {
    /// What is next, by what was seen of the device. To be asked whenever the device is heard, when what was asked of it has
    /// ended, when something else is desired, and when [`Configured::due_at`] has come.
    pub fn step(&self, desired: &Desired, seen: &Seen, now: Timestamp) -> Step {
        let row = Self { asking: None, due_at: now, ..self.clone() };
        let mut steps = Steps { row, desired, seen, now, request: None, counted: Counted::default() };
        match (&self.asking, &seen.asked) {
            (Some(_), Some(Asked::UnderWay)) => {
                let row = Self { due_at: now.after(LOOK_AGAIN), ..self.clone() };
                return Step { row, request: None, counted: Counted::default() };
            }
            (Some(asking), Some(Asked::Done)) => steps.done(asking),
            (Some(asking), Some(Asked::Refused(reason))) => steps.refused(asking, reason),
            // By now it is known that it answers no composite operation: that was why.
            (Some(asking), Some(Asked::Failed(reason))) if steps.was_composite_in_vain(asking) => {
                steps.refused(asking, reason);
            }
            (Some(_), Some(Asked::Failed(reason))) => steps.failed(reason),
            // Nobody knows what became of it: looking again tells.
            (Some(_), Some(Asked::Away) | None) | (None, _) => {}
        }
        steps.aim();
        steps.heed();
        steps.go_on();
        Step { row: steps.row, request: steps.request, counted: steps.counted }
    }

    /// The row as it is once something else is desired; none if that is not so. What follows is for [`Configured::step`].
    pub fn aimed(&self, desired: &Desired, now: Timestamp) -> Option<Self> {
        let seen = Seen::default();
        let row = Self { due_at: now, ..self.clone() };
        let mut steps = Steps { row, desired, seen: &seen, now, request: None, counted: Counted::default() };
        steps.aim();
        (steps.row.generation != self.generation).then_some(steps.row)
    }
}

struct Steps<'s> {
    row: Configured,
    desired: &'s Desired,
    seen: &'s Seen,
    now: Timestamp,
    request: Option<Request>,
    counted: Counted,
}

impl Steps<'_> {
    /// Takes up what is desired, if that is something else than before.
    fn aim(&mut self) {
        let digest = self.desired.digest();
        if self.row.generation > 0 && self.row.digest == digest {
            return;
        }
        self.row.generation += 1;
        self.row.digest = digest;
        let mut before = std::mem::take(&mut self.row.lines);
        for (key, wanted) in &self.desired.lines {
            let want = wanted.line.digest();
            let place = before.iter().position(|line| line.key == *key);
            let line = match place.map(|place| before.swap_remove(place)) {
                Some(line) if line.want == want => line,
                Some(LineState { written, blind, actual, .. }) => {
                    LineState { written, blind, actual, ..LineState::new(*key, want) }
                }
                None => LineState { written: self.return_of(*key), ..LineState::new(*key, want) },
            };
            self.row.lines.push(line);
        }
        self.give_up(before);
        self.begin_anew();
        self.enter(ConfiguredState::Waiting, "something else is desired");
    }

    /// Takes up what people want of it.
    fn heed(&mut self) {
        if self.row.resume_at > self.row.resumed_at {
            self.row.resumed_at = self.row.resume_at;
            for line in self.row.lines.iter_mut().filter(|line| line.standing == Standing::Flapping) {
                (line.standing, line.looked) = (Standing::Unknown, false);
                line.repairs.clear();
            }
            self.begin_anew();
        }
        if self.row.repair_at > self.row.repaired_at {
            self.row.repaired_at = self.row.repair_at;
            self.row.granted = true;
            self.row.next_check = self.now;
            self.forgive();
        }
    }

    fn go_on(&mut self) {
        let Some(listening) = self.seen.registered.clone() else {
            return self.wait(LISTEN_AGAIN, "waits for the device to register");
        };
        if self.row.registration != Some(listening.id) {
            self.row.registration = Some(listening.id);
            self.row.way = Way::default();
            self.row.next_check = self.now;
            self.forgive();
            // Some devices lose their attributes when they start again: to set them then is no repair.
            for line in self.row.lines.iter_mut().filter(|line| line.key.attributes) {
                line.settled = false;
            }
            // All of it is looked at: what the registration says needs no look of its own.
            self.row.terms = Some(listening.terms.clone());
        }
        if self.row.way == Way::Composite && !listening.composites {
            self.row.way = Way::Instance;
        }
        self.doubt_by_terms(&listening);
        self.doubt_by_writes(&listening);
        if self.row.next_check <= self.now {
            self.begin_check();
        }
        if let Some(until) = self.row.rests_until.filter(|until| *until > self.now) {
            self.row.due_at = until.min(self.row.next_check);
            return;
        }
        self.row.rests_until = None;
        self.compare(&listening);
        if self.row.tries >= MAX_TRIES {
            self.row.due_at = self.row.next_check;
            self.row.granted = false;
            return;
        }
        if let Some(mismatch) = self.not_kept() {
            self.failed(&mismatch);
            return self.go_on_after_failure();
        }
        let request = self.look(&listening).or_else(|| self.write(&listening));
        let Some(request) = request.or_else(|| self.take_back(&listening)) else {
            return self.finish();
        };
        if !listening.awake {
            return self.wait(LISTEN_AGAIN, "the device sleeps: this waits until it wakes");
        }
        if request.ask != Ask::Look || self.row.reported != self.row.generation {
            let what = match request.ask {
                Ask::Look => "looks at",
                Ask::TakeBack => "takes attributes back from",
                Ask::Write | Ask::Secret | Ask::Attributes => "writes to",
            };
            let detail = format!("{what} {}", named(&request.lines));
            self.enter(ConfiguredState::Working, &detail);
        }
        self.request = Some(request);
    }

    fn go_on_after_failure(&mut self) {
        let rests = self.row.rests_until.unwrap_or(self.row.next_check);
        self.row.due_at = rests.min(self.row.next_check);
    }

    /// All of it is to be read again.
    fn begin_check(&mut self) {
        self.row.mark = self.now;
        self.row.singly = false;
        self.row.tries = 0;
        for line in &mut self.row.lines {
            line.looked = false;
        }
        let every = self.desired.check_every.unwrap_or(super::Draft::DEFAULT_CHECK);
        self.row.next_check = self.now.after(spread(self.row.device, every));
    }

    /// What had gone wrong does not count any more.
    fn begin_anew(&mut self) {
        self.row.tries = 0;
        self.row.rests_until = None;
        self.row.singly = false;
    }

    /// What the device did not take is tried once more.
    fn forgive(&mut self) {
        self.begin_anew();
        for line in self.row.lines.iter_mut().filter(|line| line.refused.is_some()) {
            line.refused = None;
            (line.standing, line.blind) = (Standing::Unknown, false);
        }
    }

    /// Everything is known, and there is nothing more to write.
    fn finish(&mut self) {
        let of = |standing: Standing| -> Vec<LineKey> {
            let lines = self.row.lines.iter().filter(|line| line.standing == standing);
            lines.map(|line| line.key).collect()
        };
        let (flapping, refused, out) = (of(Standing::Flapping), of(Standing::Refused), of(Standing::Out));
        let (state, detail) = if !flapping.is_empty() {
            let times = LineState::MAX_REPAIRS;
            let names = named(&flapping);
            (
                ConfiguredState::Flapping,
                format!(
                    "{names} was put right {times} times within a day: stopped until a person resumes it"
                ),
            )
        } else if !refused.is_empty() {
            let first = self.row.lines.iter().find_map(|line| line.refused.as_deref()).unwrap_or_default();
            (ConfiguredState::Refused, format!("the device does not take {}: {first}", named(&refused)))
        } else if !out.is_empty() {
            (ConfiguredState::Drifted, format!("{} is not as it is to be", named(&out)))
        } else {
            self.row.reported = self.row.generation;
            (ConfiguredState::InLine, "the device has what it is to have".to_owned())
        };
        self.row.checked_at = Some(self.now);
        self.row.granted = false;
        self.row.tries = 0;
        self.row.due_at = self.row.next_check;
        self.enter(state, &detail);
    }

    /// There is something to be asked, and nobody who listens.
    fn wait(&mut self, time: Duration, detail: &str) {
        self.row.due_at = self.now.after(time);
        let is_right = self.row.reported == self.row.generation && self.row.out_of_line().next().is_none();
        if !(is_right && self.row.state == ConfiguredState::InLine) {
            self.enter(ConfiguredState::Waiting, detail);
        }
    }

    fn enter(&mut self, state: ConfiguredState, detail: &str) {
        if self.row.state != state {
            self.row.state = state;
            self.row.since = self.now;
        }
        self.row.detail = crate::timeline::one_line(detail, Configured::MAX_DETAIL);
    }

    fn line(&mut self, key: LineKey) -> Option<&mut LineState> {
        self.row.lines.iter_mut().find(|line| line.key == key)
    }

    fn may_write(&self, key: LineKey) -> bool {
        let mode = self.desired.lines.get(&key).map(|wanted| wanted.mode);
        self.row.granted || mode == Some(Mode::Repair)
    }
}

/// When the next check is due: not for all devices at the same moment.
fn spread(device: DeviceId, every: Duration) -> Duration {
    // Fibonacci hashing: neighbours come apart.
    let place = device.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    let share = f64::from(u16::try_from(place).unwrap_or(0)) / f64::from(u16::MAX);
    every.mul_f64(1.0 - SPREAD * share)
}

/// Over which part of the time between two checks they are spread.
const SPREAD: f64 = 0.2;

/// The first few by name.
fn named(keys: &[LineKey]) -> String {
    let shown: Vec<String> = keys.iter().take(3).map(LineKey::to_string).collect();
    let more = keys.len().saturating_sub(shown.len());
    let names = shown.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

fn is_secret(want: &Want) -> bool {
    matches!(want, Want::Secret(_))
}

fn never_read(listening: &Listening, line: &LineState, want: &Want) -> bool {
    line.blind || is_secret(want) || listening.blind.contains(&line.key.path)
}
