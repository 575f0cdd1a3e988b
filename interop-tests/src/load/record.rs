//! What was acknowledged to a device, and what was begun.

/// All that a server has acknowledged to one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its registration.
    pub standing: Standing,
    /// The lifetimes of Registers and Updates, in seconds above [`Record::LIFETIME`].
    pub lifetimes: Series,
    /// The lifetime that was acknowledged last: an older one is not to be seen again.
    pub lifetime: u32,
    /// The values of Sends.
    pub sent: Series,
    /// The values of confirmable notifications.
    pub notified: Series,
}

/// What a device knows of its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has not registered.
    #[default]
    Unknown,
    /// A Register or Deregister is not answered: the server may have done it.
    Uncertain,
    /// It is registered, at this location.
    Registered(String),
    /// It has deregistered.
    Gone,
}

/// Numbers from 1 that were given away one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// The last one.
    pub begun: u32,
    /// Those that were not acknowledged, in order: they may have been done or not.
    pub open: Vec<u32>,
    /// Those that were the present one when the server began to observe: the answer to that has them, too.
    pub observed: Vec<u32>,
}

impl Record {
    /// The lifetime of a device that has changed nothing: a day.
    pub const LIFETIME: u32 = 86_400;
}

impl Series {
    /// The next number, which is not acknowledged yet.
    pub(super) fn begin(&mut self) -> u32 {
        self.begun += 1;
        self.open.push(self.begun);
        self.begun
    }

    /// The number begun last is acknowledged.
    pub(super) fn acknowledge(&mut self) {
        let last = self.begun;
        self.open.retain(|number| *number != last);
    }

    /// Those that were acknowledged, the newest first.
    pub fn acknowledged(&self) -> impl Iterator<Item = u32> {
        (1..=self.begun).rev().filter(|number| self.open.binary_search(number).is_err())
    }
}
