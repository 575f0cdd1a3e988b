//! What waits for a device without being sent: it is made pointless or waits too long. And when a device wakes up.

use fleet::{
    Change, Commit, DeviceId, EventKind, Failure, Now, OperationId, OperationState, Order, Outcome, Taken,
    TimelineEntry, TimelineKind,
    queue::{AwakeScope, QueueChange},
};

use super::{Shard, work::After};

impl Shard {
    /// What the order that was just taken has made pointless ends by it.
    pub(super) fn end_superseded(&mut self, now: Now) {
        for (order, by) in self.roster.take_superseded() {
            let (id, device) = (order.id, order.device);
            let result = Failure::Superseded { by }.to_string();
            let line = format!("{} {}: {result}", order.operation.name(), order.operation.target());
            let kind = TimelineKind::Operation;
            let entry = TimelineEntry::new(device, now.wall, kind, Some(order.request), &line);
            let ended = Change::Queue(QueueChange::Superseded { id, by, at: now.wall });
            let commit = Commit { changes: vec![ended, Change::Timeline(entry)], audit: Vec::new() };
            self.commit(now, None, commit, After::Superseded { order, by });
        }
    }

    /// The end of a superseded order is kept: whoever waits for it is told by which.
    pub(super) fn superseded(&mut self, order: &Order, by: OperationId) {
        metrics::counter!("muster_operations_superseded_total").increment(1);
        let outcome = Outcome::Failed(Failure::Superseded { by });
        self.publish_state(order, OperationState::Superseded);
        self.tell_caller(order.id, Taken::Ended { outcome, trace: None });
    }

    /// Something came from a device. Who watches is told if that has woken it, once each time.
    pub(super) fn heard(&mut self, now: Now, device: DeviceId) {
        self.roster.heard(now, device);
        if self.roster.take_woken(device) {
            self.publish(device, EventKind::Awake);
        }
    }

    /// A device that is said to listen longer may listen still. Those of a class get what waits when they are heard.
    pub(super) fn listen_by(&mut self, now: Now, commit: &Commit) {
        for change in &commit.changes {
            if let Change::Queue(QueueChange::AwakeSet { scope: AwakeScope::Device(device), .. }) = change {
                self.send_next(now, *device);
            }
        }
        self.drain_coap(now);
    }

    /// Ends what has waited too long.
    pub(super) fn expire_orders(&mut self, now: Now) {
        for (_, order) in self.roster.expire_orders(now) {
            metrics::counter!("muster_operations_expired_total").increment(1);
            self.end_unsent(now, order, Failure::Expired);
        }
    }
}
