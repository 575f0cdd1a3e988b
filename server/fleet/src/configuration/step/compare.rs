//! What the device has beside what it is to have.

use objects::Value;

use super::{super::line, Steps, never_read};
use crate::{
    Timestamp,
    configuration::{Finding, LineState, Listening, Overwritten, Standing, Want, Writer},
    registration::rules,
};

/// What is known of a line.
enum Has {
    /// What is wanted.
    Right(Option<String>),
    /// Something else; nothing at all if there is no text.
    Wrong(Option<String>),
    /// That is to be read.
    NotKnown,
}

impl Steps<'_> {
    /// Says of each line where it stands.
    pub(super) fn compare(&mut self, listening: &Listening) {
        for place in 0..self.row.lines.len() {
            let line = &self.row.lines[place];
            let Some(wanted) = self.desired.lines.get(&line.key) else { continue };
            let absent = !rules::covers(&listening.links, line.key.path);
            let is_read = !line.key.attributes && !never_read(listening, line, &wanted.line.want);
            let has = match &wanted.line.want {
                _ if absent => Has::Wrong(None),
                Want::Attributes(attributes) => {
                    let written = line.written.as_ref();
                    let here = written.filter(|written| written.registration == Some(listening.id));
                    let shown = attributes.to_queries().join("&");
                    self.by_what_was_written(line, here.is_some(), Some(shown))
                }
                _ if !is_read => self.by_what_was_written(line, true, None),
                Want::Value(value) | Want::Secret(line::Hidden { value, .. }) => match self.known(line) {
                    Some(actual) if line::same(value, actual) => Has::Right(Some(line::shown(actual))),
                    Some(actual) => Has::Wrong(Some(line::shown(actual))),
                    None if line.looked => Has::Wrong(None),
                    None => Has::NotKnown,
                },
            };
            let expected = wanted.line.want.shown();
            let line = &mut self.row.lines[place];
            if absent {
                line.refused = Some(format!("{NOT_LISTED} {}", instance_of(line)));
            } else if line.refused.as_ref().is_some_and(|refused| refused.starts_with(NOT_LISTED)) {
                line.refused = None;
            }
            self.judge(place, has, is_read, &expected);
        }
    }

    /// What nobody can look at is right if it was written.
    fn by_what_was_written(&self, line: &LineState, counts: bool, shown: Option<String>) -> Has {
        match line.written.as_ref().filter(|_| counts) {
            Some(written) if written.digest == line.want => Has::Right(shown),
            _ => Has::Wrong(None),
        }
    }

    /// What the device has said since the mark, and since it was written to. What it has said in the very millisecond may have been
    /// before that, but for what it was asked for afterwards.
    fn known(&self, line: &LineState) -> Option<&Value> {
        let since = self.counts_from(line);
        let known = self.seen.values.get(&line.key.path)?;
        (known.at > since || (line.looked && known.at >= since)).then_some(&known.value)
    }

    /// From when on counts what the device says of a line.
    pub(super) fn counts_from(&self, line: &LineState) -> Timestamp {
        let written = line.written.as_ref().map(|written| written.at);
        [Some(self.row.mark), written, line.doubted_at].into_iter().flatten().max().unwrap_or(self.row.mark)
    }

    fn judge(&mut self, place: usize, has: Has, is_read: bool, expected: &str) {
        let now = self.now;
        let writer = self.who_wrote(&self.row.lines[place], is_read);
        let line = &mut self.row.lines[place];
        match has {
            // What it had is not forgotten before it is known what it has.
            Has::NotKnown => {}
            _ if line.refused.is_some() => line.standing = Standing::Refused,
            Has::Right(shown) => {
                line.actual = shown;
                (line.settled, line.proving, line.writer) = (true, false, Writer::Nobody);
                if line.standing != Standing::Flapping {
                    line.standing = Standing::InLine;
                }
            }
            Has::Wrong(shown) => {
                let drifts = line.settled && line.standing == Standing::InLine;
                line.writer = writer;
                line.actual = shown;
                if line.standing != Standing::Flapping {
                    line.standing = Standing::Out;
                }
                if drifts {
                    let found = Finding {
                        at: now,
                        key: line.key,
                        expected: expected.to_owned(),
                        actual: line.actual.clone(),
                        writer: line.writer.clone(),
                    };
                    self.row.note(found);
                    self.counted.found += 1;
                }
            }
        }
    }

    /// Who has written what is wrong.
    fn who_wrote(&self, line: &LineState, is_read: bool) -> Writer {
        let by_value = self.seen.writers.get(&line.key.path).filter(|_| is_read);
        let by_writing = self.seen.overwritten.get(&line.key);
        let by_writing = by_writing.filter(|other| !is_read && !other.agrees && other.counts_of(line));
        match (by_value.cloned().or_else(|| by_writing.map(Overwritten::writer)), &line.writer) {
            (Some(writer), _) => writer,
            // Nobody can read it: who was found to have written stays so until it is right again.
            (None, known @ Writer::Operation { .. }) if !is_read && line.standing != Standing::InLine => {
                known.clone()
            }
            (None, _) if line.settled => Writer::Unknown,
            (None, _) => Writer::Nobody,
        }
    }

    /// What the device took and does not have.
    pub(super) fn not_kept(&mut self) -> Option<String> {
        let line = self.row.lines.iter_mut().find(|line| line.proving && line.standing == Standing::Out)?;
        line.proving = false;
        let actual = line.actual.as_deref().unwrap_or("nothing");
        Some(format!("the device took {} and has {actual}", line.key))
    }
}

impl crate::configuration::Configured {
    fn note(&mut self, finding: Finding) {
        if self.findings.len() >= Self::MAX_FINDINGS {
            self.findings.remove(0);
        }
        self.findings.push(finding);
    }
}

const NOT_LISTED: &str = "the device does not list";

/// The instance that a line lies in, or the object.
fn instance_of(line: &LineState) -> String {
    let path = line.key.path;
    match (path.object(), path.instance()) {
        (Some(object), Some(instance)) => format!("/{object}/{instance}"),
        _ => path.to_string(),
    }
}
