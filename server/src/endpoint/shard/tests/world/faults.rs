//! What goes wrong: crashes, with what a start brings back, and a store that fails.

use super::*;

impl World {
    /// The process ends at once and starts again: what the store did not have is gone.
    pub(in super::super) fn crash_and_restart(&mut self) {
        self.boots += 1;
        self.due.retain(|_, due| !matches!(due, Due::Commit(..)));
        self.taken.clear();
        self.shard = shard(self.now, self.boots, &self.store);
        self.bring_sessions_back();
    }

    /// The same, and so many devices come back at once, so often.
    pub(in super::super) fn crash_and_restart_slowly(&mut self, devices: usize, every: Duration) {
        self.crash_and_restart();
        self.shard = new_shard(self.now, self.boots, &self.store);
        self.later(every, Due::Part(self.boots, Slowly { after: None, devices, every }));
    }

    pub(super) fn bring_back(&mut self, slowly: Slowly) {
        let now = self.moment();
        // A store that can't be read is asked again.
        let Ok(part) = block_on(self.store.restore_part(slowly.after, slowly.devices)) else {
            self.later(slowly.every, Due::Part(self.boots, slowly));
            return;
        };
        let after = part.more_after;
        self.shard.handle_restored(now, part);
        match after {
            Some(_) => self.later(slowly.every, Due::Part(self.boots, Slowly { after, ..slowly })),
            None => self.shard.handle_restore_done(now),
        }
    }

    pub(super) fn bring_sessions_back(&mut self) {
        for session in block_on(self.store.secure_sessions(None, 1_000)).unwrap() {
            let origin = Origin { source: session.source, identity: Some(session.identity) };
            let is_heard = session.was_heard();
            let SecureSession { id, began_at, .. } = session;
            let restored = Incoming::SessionRestored { origin, session: id, began_at, is_heard };
            self.later(Duration::ZERO, Due::Uplink(restored));
        }
    }

    /// A line in the timeline of a device that does not exist.
    pub(in super::super) fn record_of_nobody(&mut self) {
        let entry =
            TimelineEntry::new(DeviceId(99), self.moment().wall, TimelineKind::Rejected, None, "nobody");
        let commit = Commit { changes: vec![Change::Timeline(entry)], audit: Vec::new() };
        self.shard.commit(self.moment(), None, commit, After::Nothing);
    }

    /// What waits for the store is answered now, in its order.
    pub(in super::super) fn let_store_answer(&mut self) {
        let (waiting, due) =
            std::mem::take(&mut self.due).into_iter().partition(|(_, due)| matches!(due, Due::Commit(..)));
        self.due = due;
        let waiting: BTreeMap<(Duration, u64), Due> = waiting;
        for commit in waiting.into_values() {
            self.later(Duration::ZERO, commit);
        }
    }

    pub(in super::super) fn heal(&mut self) {
        self.link = Link::perfect();
    }

    pub(in super::super) fn fail_commits(&mut self, fails: fn(&Commit) -> bool) {
        self.fails = fails;
    }

    /// Whatever the server asks in this time is answered by a Reset and does not reach the device.
    pub(in super::super) fn reset_requests_for(&mut self, duration: Duration) {
        self.resets_until = self.now + duration;
    }

    pub(super) fn reset(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let message = coap::Message::parse(bytes).ok()?;
        let reset = coap::Message::empty(coap::Kind::Reset, message.id);
        (self.now < self.resets_until && message.code.is_request()).then(|| reset.to_bytes().unwrap())
    }
}
