//! Eclipse Californium's Scandium, in the harness of `clients/scandium`: one process, a session after the other.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use super::{Feature, IDENTITY, Means, NotDone, Speaks, Task, process::Process, relay::Relay};
use crate::{Missing, maven};

pub(super) fn prepare() -> Result<(), Missing> {
    jar().map(drop)
}

/// A process that opens one session after the other.
pub(super) struct Scandium(Process);

impl Scandium {
    pub(super) fn start(means: &Means) -> Self {
        let mut command = Command::new("java");
        // Only the quick compiler: the process lives for seconds.
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-jar"]);
        command.arg(jar().expect("the client was prepared before")).arg(means.path("")).arg(IDENTITY);
        Self(Process::start(&mut command))
    }

    fn play(&mut self, task: &Task<'_>) -> Result<(), NotDone> {
        let relay = (task.feature() == Feature::AddressChange).then(|| Relay::before(task.host.address()));
        let host = relay.as_ref().map_or_else(|| task.host.address(), Relay::address);
        let cell = task.cell;
        let mut open =
            format!("open {host} proof={} suite={} own={}", cell.proof.name(), cell.suite.name(), task.own());
        if task.is_psk() {
            let key: String = task.key().iter().map(|byte| format!("{byte:02x}")).collect();
            open += &format!(" key={key}");
        }
        if task.feature().has_connection_id() {
            open += " cid=6";
        }
        if task.feature() == Feature::SmallDatagrams {
            open += &format!(" mtu={}", Task::SMALL_MTU);
        }
        self.0.tell(&open);
        self.0.hear(|line| line.contains("\"done\"") || line.contains("\"error\""))?;
        self.greet()?;
        if task.feature() == Feature::Resumption {
            self.0.tell("resume");
            self.greet()?;
        }
        if task.feature() == Feature::Restart {
            task.host.restart();
            self.greet()?;
        }
        if let Some(relay) = &relay {
            relay.move_on();
            // The server goes on with a new address when it has been heard there twice.
            self.greet()?;
            self.greet()?;
        }
        self.0.tell("close");
        Ok(())
    }

    fn greet(&mut self) -> Result<(), NotDone> {
        self.0.tell(&format!("send {}", Task::TEXT));
        let ends = [r#""event":"received""#, r#""event":"failed""#, r#""event":"error""#];
        let end = self.0.hear(|line| ends.iter().any(|end| line.contains(end)))?;
        if end.contains(ends[0]) { Ok(()) } else { Err(NotDone::Failed(end)) }
    }
}

impl Speaks for Scandium {
    fn talk(&mut self, task: &Task<'_>) -> Result<(), NotDone> {
        let done = self.play(task);
        if done.is_err() {
            // What it has still to say of this session would be taken for the next one's.
            *self = Self::start(task.means);
        }
        done
    }
}

/// The harness, built if it is not there or older than its sources.
fn jar() -> Result<PathBuf, Missing> {
    static JAR: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    JAR.get_or_init(|| maven::jar("scandium")).clone()
}
