//! What can be seen of devices, on the wire and in the store.

use fleet::store::Wishing as _;

use super::*;

impl World {
    pub(in super::super) fn was_told(&self, node: usize, event: &Event) -> bool {
        self.nodes[node].events.contains(event)
    }

    pub(in super::super) fn rejected(&self, node: usize) -> Vec<coap::Code> {
        let code = |event: &Event| match event {
            Event::Rejected { code, .. } => Some(*code),
            _ => None,
        };
        self.nodes[node].events.iter().filter_map(code).collect()
    }

    pub(in super::super) fn registers(&self, node: usize) -> usize {
        self.nodes[node].events.iter().filter(|event| matches!(event, Event::Registered { .. })).count()
    }

    pub(in super::super) fn location(&self, node: usize) -> String {
        let location = |event: &Event| match event {
            Event::Registered { location } => Some(location.clone()),
            _ => None,
        };
        self.nodes[node].events.iter().rev().find_map(location).unwrap()
    }

    pub(in super::super) fn transmitted_to(&self, node: usize) -> usize {
        self.transmitted.get(&self.nodes[node].source).copied().unwrap_or_default()
    }

    /// How many bytes the server has had from a device's address, and how many it has sent there.
    pub(in super::super) fn ledger(&self, node: usize) -> [usize; 2] {
        self.ledger.get(&self.nodes[node].source).copied().unwrap_or_default()
    }

    // === Orders ===

    pub(in super::super) fn id(&self, node: usize) -> DeviceId {
        let endpoint = &self.nodes[node].device.profile().endpoint;
        let restored = block_on(self.store.restore()).unwrap();
        restored.devices.iter().find(|device| device.endpoint.as_str() == endpoint).unwrap().id
    }

    pub(in super::super) fn presence(&self, node: usize) -> Presence {
        self.shard.presence(self.moment(), self.id(node))
    }

    pub(in super::super) fn stored_registrations(&self) -> Vec<String> {
        let restored = block_on(self.store.restore()).unwrap();
        let name = |id: DeviceId| {
            restored.devices.iter().find(|device| device.id == id).unwrap().endpoint.to_string()
        };
        restored.registrations.iter().map(|registration| name(registration.device)).collect()
    }

    pub(in super::super) fn stored_observations(&self, node: usize) -> Vec<Observation> {
        block_on(self.store.observations(self.id(node))).unwrap()
    }

    pub(in super::super) fn latest(&self, node: usize, path: Path) -> Option<Value> {
        let latest = block_on(self.store.latest(self.id(node), path)).unwrap();
        latest.first().map(|stored| stored.reading.value.clone())
    }

    pub(in super::super) fn history(&self, node: usize, path: Path) -> usize {
        block_on(self.store.history(self.id(node), path, usize::MAX)).unwrap().len()
    }

    /// The values of a path with their own times, the newest first.
    pub(in super::super) fn records(&self, node: usize, path: Path) -> Vec<(Value, Option<i64>)> {
        let history = block_on(self.store.history(self.id(node), path, usize::MAX)).unwrap();
        let record = |stored: fleet::StoredReading| {
            (stored.reading.value, stored.reading.device_time.map(|time| time.0))
        };
        history.into_iter().map(record).collect()
    }

    pub(in super::super) fn registration(&self, node: usize) -> fleet::Registration {
        self.shard.roster.registration(self.id(node)).expect("it is registered").clone()
    }

    pub(in super::super) fn answers_no_composites(&self, node: usize) -> bool {
        block_on(self.store.no_composites(self.id(node))).unwrap().is_some()
    }

    pub(in super::super) fn is_restoring(&self) -> bool {
        self.shard.is_restoring()
    }

    pub(in super::super) fn stored_devices(&self) -> usize {
        block_on(self.store.restore()).unwrap().devices.len()
    }

    pub(in super::super) fn backlog(&self) -> Backlog {
        self.shard.backlog(self.moment())
    }

    pub(in super::super) fn operation(&self, id: OperationId) -> OperationRecord {
        block_on(self.store.operation(id)).unwrap().unwrap()
    }

    /// What the shard still holds of work that should be over.
    pub(in super::super) fn leftovers(&self) -> [usize; 8] {
        let usage = self.shard.coap.usage();
        [
            self.shard.busy.len(),
            self.shard.commits.len(),
            self.shard.requests.len(),
            self.shard.callers.len(),
            self.shard.unrecorded.len(),
            usage.exchanges,
            usage.outgoing,
            usage.notifications,
        ]
    }
}
