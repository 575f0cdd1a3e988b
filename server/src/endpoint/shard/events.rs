//! What watchers are told of a commit.

use fleet::{Change, Commit, DeviceId, EndReason, EventKind, Reading, StoredReading, TimelineKind};

use super::{Output, Shard};

impl Shard {
    pub(super) fn publish(&mut self, device: DeviceId, kind: EventKind) {
        let Some(public_id) = self.roster.public_id(device) else { return };
        self.outputs.push_back(Output::Event { device, public_id, kind });
    }

    /// Publishes the events that a commit makes, in its order.
    pub(super) fn publish_commit(&mut self, commit: &Commit) {
        for (device, kind) in commit.changes.iter().filter_map(event) {
            self.publish(device, kind);
        }
    }
}

fn event(change: &Change) -> Option<(DeviceId, EventKind)> {
    Some(match change {
        Change::Timeline(entry) => match entry.kind {
            TimelineKind::Registered => (entry.device, EventKind::Registered),
            TimelineKind::Updated => (entry.device, EventKind::Updated { changed: true }),
            _ => return None,
        },
        Change::RegistrationEnded { device, reason, .. } => match reason {
            EndReason::Deregistered => (*device, EventKind::Deregistered),
            EndReason::Expired => (*device, EventKind::Expired),
            EndReason::Revoked => (*device, EventKind::Revoked),
            EndReason::Removed => (*device, EventKind::Removed),
        },
        Change::Report { device, received_at, readings, .. } => {
            let stored = |reading: &Reading| StoredReading {
                reading: reading.clone(),
                received_at: *received_at,
                sequence: 0,
            };
            (*device, EventKind::Readings(readings.iter().map(stored).collect()))
        }
        Change::ObservationBegan(observation) => (observation.device, EventKind::Observations),
        Change::ObservationEnded { device, .. } | Change::ObservationsEnded { device } => {
            (*device, EventKind::Observations)
        }
        _ => return None,
    })
}
