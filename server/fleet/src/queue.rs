//! The queue of orders: one under way a device, the others behind it by priority, and within one in the order in which they
//! came. What a later one makes pointless is not sent. `rule` says which is which.
//! LwM2M Transport 1.1.1 §6.5. A [`crate::Operation::Push`] takes long, block by block: others go on meanwhile, but no second one.
//!
//! Start with [`Roster::take`], which says what becomes of an order, and [`Roster::next_order`], to be asked whenever a
//! device is heard and whenever an order has ended.

mod awake;
pub use awake::{Awake, AwakeFrom, AwakeScope, AwakeTime, AwakeTimes, Learned};

mod change;
pub use change::QueueChange;

mod rule;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::{DeviceId, Now, Operation, OperationId, Order, Presence, Priority, Roster};

/// What becomes of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Disposition {
    /// The device sleeps and the order is not stored, so that it can't wait for it.
    Asleep,
    /// The device is awake; the order waits behind others that are sent first.
    Behind,
    /// The device is not registered.
    NotRegistered,
    /// The device sleeps; the order waits for it.
    Queued,
    /// [`Order::MAX_QUEUED`] orders wait for the device already.
    QueueFull,
    /// To be sent now; it is under way from here on.
    Send(Order),
}

impl Roster {
    /// Takes an order in. [`Roster::take_superseded`] is to be asked next.
    pub fn take(&mut self, now: Now, order: Order) -> Disposition {
        let presence = self.presence(now, order.device);
        let asleep = match presence {
            Presence::NotRegistered => return Disposition::NotRegistered,
            Presence::Asleep if !order.stored => return Disposition::Asleep,
            Presence::Asleep => true,
            Presence::Awake => false,
        };
        let queue = self.orders.by_device.entry(order.device).or_default();
        if !asleep && queue.waiting.is_empty() && queue.begin(&order) {
            return Disposition::Send(order);
        }
        self.orders.supersede(&order);
        if self.waiting(order.device) >= Order::MAX_QUEUED {
            return Disposition::QueueFull;
        }
        self.orders.push(now, order);
        if asleep { Disposition::Queued } else { Disposition::Behind }
    }

    /// The orders that one taken since has made pointless, each with that one. They do not wait any more, and are to be ended.
    pub fn take_superseded(&mut self) -> Vec<(Order, OperationId)> {
        std::mem::take(&mut self.orders.superseded)
    }

    /// The order to send to a device now, which is under way from here on; none while another one is, or while the
    /// device sleeps. Ask again when the device is heard and when an order has ended.
    pub fn next_order(&mut self, now: Now, device: DeviceId) -> Option<Order> {
        if self.presence(now, device) != Presence::Awake {
            return None;
        }
        self.orders.next(now, device)
    }

    /// An order that was under way has its outcome.
    pub fn order_ended(&mut self, device: DeviceId, id: OperationId) {
        let Some(queue) = self.orders.by_device.get_mut(&device) else { return };
        for place in [&mut queue.under_way, &mut queue.push] {
            place.take_if(|under_way| under_way.id == id);
        }
        self.orders.forget_if_empty(device);
    }

    /// Takes an order out that waits. False if it does not wait (any more).
    pub fn cancel_order(&mut self, device: DeviceId, id: OperationId) -> bool {
        !self.orders.take_out(device, |waiting| waiting.order.id == id).is_empty()
    }

    /// Takes out all orders that wait for a device, and forgets the one under way: the registration has ended.
    ///
    /// The commit that ended it has ended what it knew of; an order may have come since, so that each of these that is
    /// stored is to be ended (a second end changes nothing), and so is the one whose exchange is broken off.
    pub fn cancel_all(&mut self, device: DeviceId) -> Vec<Order> {
        if let Some(queue) = self.orders.by_device.get_mut(&device) {
            (queue.under_way, queue.push) = (None, None);
        }
        self.orders.take_out(device, |_| true)
    }

    /// Takes out what waits for a device that fell asleep meanwhile without being stored, so that its givers can be told
    /// [`crate::Taken::Asleep`]. To be asked when an order has ended and [`Roster::next_order`] gives none.
    pub fn give_back(&mut self, now: Now, device: DeviceId) -> Vec<Order> {
        if self.presence(now, device) != Presence::Asleep {
            return Vec::new();
        }
        self.orders.take_out(device, |waiting| !waiting.order.stored)
    }

    /// Takes out the orders that have waited too long.
    pub fn expire_orders(&mut self, now: Now) -> Vec<(DeviceId, Order)> {
        let mut expired = Vec::new();
        while let Some(&(until, id, device)) = self.orders.deadlines.first()
            && until <= now.mono
        {
            let orders = self.orders.take_out(device, |waiting| waiting.order.id == id);
            expired.extend(orders.into_iter().map(|order| (device, order)));
        }
        expired
    }

    /// How many orders of a priority wait, for whatever device.
    pub fn waiting_of(&self, priority: Priority) -> usize {
        self.orders.count[priority as usize]
    }

    /// How many orders wait for a device, the one under way not counted.
    pub fn waiting(&self, device: DeviceId) -> usize {
        self.orders.by_device.get(&device).map_or(0, |queue| queue.waiting.len())
    }
}

/// The orders of a shard's devices.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    by_device: BTreeMap<DeviceId, Queue>,
    /// When each order that waits expires, by the monotonic clock.
    deadlines: BTreeSet<(Duration, OperationId, DeviceId)>,
    /// How many wait, by their priority.
    count: [usize; Priority::ALL.len()],
    /// Until they are asked for.
    superseded: Vec<(Order, OperationId)>,
}

/// The orders of one device.
#[derive(Debug, Default)]
struct Queue {
    under_way: Option<UnderWay>,
    /// The package that is on its way.
    push: Option<UnderWay>,
    waiting: VecDeque<Waiting>,
}

/// What is kept of the order that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderWay {
    pub(crate) id: OperationId,
    pub(crate) stored: bool,
    pub(crate) idempotent: bool,
    is_push: bool,
}

#[derive(Debug)]
struct Waiting {
    order: Order,
    until: Duration,
}

impl Orders {
    /// Appends an order without asking whether there is room: for those that waited before a restart.
    pub(crate) fn push(&mut self, now: Now, order: Order) {
        // The span is taken once, so that a later jump of the wall clock does not move it.
        let until = now.mono.saturating_add(order.expires_at.since(now.wall));
        self.deadlines.insert((until, order.id, order.device));
        self.count[order.priority as usize] += 1;
        self.by_device.entry(order.device).or_default().waiting.push_back(Waiting { order, until });
    }

    /// When the first order that waits expires.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(until, ..)| *until)
    }

    /// What the end of a registration ends: the order under way, and those that wait, if they are stored.
    pub(crate) fn stored(&self, device: DeviceId) -> impl Iterator<Item = (UnderWay, bool)> {
        self.by_device.get(&device).into_iter().flat_map(|queue| {
            let waiting = queue.waiting.iter().map(|waiting| (UnderWay::from(&waiting.order), false));
            [queue.under_way, queue.push]
                .into_iter()
                .flatten()
                .map(|order| (order, true))
                .chain(waiting)
                .filter(|(order, _)| order.stored)
        })
    }

    /// Whether nothing waits and nothing is under way, for any device.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_device.is_empty() && self.deadlines.is_empty() && self.superseded.is_empty()
    }

    /// The index of deadlines names what waits and nothing else, and no queue is kept empty.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let waiting = |(device, queue): (&DeviceId, &Queue)| {
            assert!(!queue.is_empty());
            let deadline = |waiting: &Waiting| (waiting.until, waiting.order.id, *device);
            queue.waiting.iter().map(deadline).collect::<Vec<_>>()
        };
        assert_eq!(self.deadlines, self.by_device.iter().flat_map(waiting).collect());
        let orders = || self.by_device.values().flat_map(|queue| &queue.waiting);
        for priority in Priority::ALL {
            let count = orders().filter(|waiting| waiting.order.priority == priority).count();
            assert_eq!(self.count[priority as usize], count);
        }
    }

    fn next(&mut self, now: Now, device: DeviceId) -> Option<Order> {
        let queue = self.by_device.get_mut(&device)?;
        if queue.under_way.is_some() {
            return None;
        }
        // Those that have expired come out of `expire_orders`.
        let (places, waiting): (Vec<usize>, Vec<&Order>) = queue
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| waiting.until > now.mono)
            .map(|(at, waiting)| (at, &waiting.order))
            .unzip();
        let at = places[rule::next(&waiting, |order| queue.push.is_none() || !is_push(order))?];
        #[cfg(planted)]
        let at = if planted::is(planted::Fault::QueueReversed) { queue.waiting.len() - 1 } else { at };
        let Waiting { order, until } = queue.waiting.remove(at)?;
        queue.begin(&order);
        self.deadlines.remove(&(until, order.id, device));
        self.count[order.priority as usize] -= 1;
        Some(order)
    }

    fn supersede(&mut self, new: &Order) {
        let Some(queue) = self.by_device.get(&new.device) else { return };
        let waiting: Vec<&Order> = queue.waiting.iter().map(|waiting| &waiting.order).collect();
        let pointless: BTreeSet<OperationId> =
            rule::superseded_by(new, &waiting).into_iter().map(|at| waiting[at].id).collect();
        if !pointless.is_empty() {
            let orders = self.take_out(new.device, |waiting| pointless.contains(&waiting.order.id));
            self.superseded.extend(orders.into_iter().map(|order| (order, new.id)));
        }
    }

    fn take_out(&mut self, device: DeviceId, wanted: impl Fn(&Waiting) -> bool) -> Vec<Order> {
        let Some(queue) = self.by_device.get_mut(&device) else { return Vec::new() };
        let mut taken = Vec::new();
        for waiting in std::mem::take(&mut queue.waiting) {
            if wanted(&waiting) {
                self.deadlines.remove(&(waiting.until, waiting.order.id, device));
                self.count[waiting.order.priority as usize] -= 1;
                taken.push(waiting.order);
            } else {
                queue.waiting.push_back(waiting);
            }
        }
        self.forget_if_empty(device);
        taken
    }

    fn forget_if_empty(&mut self, device: DeviceId) {
        if self.by_device.get(&device).is_some_and(Queue::is_empty) {
            self.by_device.remove(&device);
        }
    }
}

impl Queue {
    /// An order is under way from here on, if none is in its way.
    fn begin(&mut self, order: &Order) -> bool {
        let order = UnderWay::from(order);
        let place = if order.is_push { &mut self.push } else { &mut self.under_way };
        let is_free = place.is_none();
        place.get_or_insert(order);
        is_free
    }

    fn is_empty(&self) -> bool {
        self.under_way.is_none() && self.push.is_none() && self.waiting.is_empty()
    }
}

impl From<&Order> for UnderWay {
    fn from(order: &Order) -> Self {
        let idempotent = order.operation.is_idempotent();
        Self { id: order.id, stored: order.stored, idempotent, is_push: is_push(order) }
    }
}

fn is_push(order: &Order) -> bool {
    matches!(order.operation, Operation::Push { .. })
}
