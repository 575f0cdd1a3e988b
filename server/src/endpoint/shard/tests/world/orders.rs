//! Orders for devices.

use super::*;

impl World {
    /// Gives an order and waits until it has ended.
    pub(in super::super) fn order(&mut self, node: usize, operation: Operation) -> Outcome {
        match self.try_order(node, operation, false) {
            Some(Taken::Ended { outcome, .. }) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(in super::super) fn try_order(
        &mut self,
        node: usize,
        operation: Operation,
        stored: bool,
    ) -> Option<Taken> {
        let order = self.new_order(node, operation, stored);
        let ticket = self.give(order);
        for _ in 0..400 {
            self.run_for(Duration::from_secs(1));
            if let Some(at) = self.taken.iter().position(|(given, _)| *given == ticket) {
                return self.taken.remove(at).map(|(_, taken)| taken);
            }
        }
        None
    }

    /// Stores an operation as the verb does, and gives the order.
    pub(in super::super) fn store_order(&mut self, node: usize, operation: Operation) -> OperationId {
        self.store_order_of(node, operation, fleet::Priority::Normal)
    }

    pub(in super::super) fn store_order_of(
        &mut self,
        node: usize,
        operation: Operation,
        priority: fleet::Priority,
    ) -> OperationId {
        let order = Order { priority, ..self.new_order(node, operation, true) };
        let id = order.id;
        let record = OperationRecord {
            id,
            device: order.device,
            operation: order.operation.clone(),
            requested_by: Actor::Server(Cause::Console.name()).name().to_owned(),
            request: order.request,
            state: OperationState::Queued,
            queued_at: self.moment().wall,
            sent_at: None,
            ended_at: None,
            expires_at: order.expires_at,
            result: None,
            priority: order.priority,
            superseded_by: None,
        };
        let queued = Commit { changes: vec![Change::OperationQueued(Box::new(record))], audit: Vec::new() };
        block_on(self.store.commit(queued)).unwrap();
        self.give(order);
        self.drain();
        id
    }

    /// Gives an order that says it is stored.
    pub(in super::super) fn give_stored(&mut self, node: usize, operation: Operation) -> OrderTicket {
        let order = self.new_order(node, operation, true);
        let ticket = self.give(order);
        self.drain();
        ticket
    }

    /// A verb has made a commit.
    pub(in super::super) fn follow(&mut self, commit: &Commit) {
        self.shard.handle_followed(self.moment(), &commit.clone().into());
        self.drain();
    }

    /// Gives an order and does not wait.
    pub(in super::super) fn give_order(&mut self, node: usize, operation: Operation) -> OrderTicket {
        let order = self.new_order(node, operation, false);
        let ticket = self.give(order);
        self.drain();
        ticket
    }

    pub(in super::super) fn taken_of(&mut self, ticket: OrderTicket) -> Option<Taken> {
        let at = self.taken.iter().position(|(given, _)| *given == ticket)?;
        self.taken.remove(at).map(|(_, taken)| taken)
    }

    pub(in super::super) fn order_is_refused(&mut self, node: usize, operation: Operation) -> bool {
        self.try_order(node, operation, false) == Some(Taken::NotRegistered)
    }

    pub(in super::super) fn last_taken(&self) -> Option<Taken> {
        self.taken.back().map(|(_, taken)| taken.clone())
    }

    pub(super) fn give(&mut self, order: Order) -> OrderTicket {
        let ticket = OrderTicket(self.orders);
        self.shard.handle_order(self.moment(), ticket, order);
        ticket
    }

    pub(super) fn new_order(&mut self, node: usize, operation: Operation, stored: bool) -> Order {
        self.orders += 1;
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.orders.to_be_bytes());
        Order {
            id: OperationId::new(self.moment().wall, random),
            device: self.id(node),
            operation,
            request: RequestId::from_random([7; 16]),
            stored,
            expires_at: self.moment().wall.after(Order::DEFAULT_EXPIRY),
            priority: fleet::Priority::Normal,
        }
    }

    // === The store ===
}
