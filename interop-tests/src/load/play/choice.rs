//! Which device does what next.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::load::{Crowd, Deed, Options, Phase};

/// Goes round all devices in an order of its own.
pub(super) struct Choice {
    random: StdRng,
    order: Vec<u32>,
    at: usize,
    phase: Phase,
    /// Drawn, and waiting for a device that can do it.
    drawn: Option<Deed>,
}

impl Choice {
    pub(super) fn new(options: &Options) -> Self {
        let mut random = StdRng::seed_from_u64(options.seed);
        let mut order: Vec<u32> = (0..options.devices).collect();
        order.shuffle(&mut random);
        Self { random, order, at: 0, phase: Phase::Register, drawn: None }
    }

    /// A phase begins: how many operations it has at most.
    pub(super) fn begin(&mut self, phase: Phase, crowd: &Crowd) -> u64 {
        (self.phase, self.drawn, self.at) = (phase, None, 0);
        let able = |deed| (0..crowd.len()).filter(|device| crowd.can(*device, deed)).count() as u64;
        match phase {
            Phase::Register => able(Deed::Register),
            Phase::Deregister => able(Deed::Deregister),
            Phase::Notify => {
                if able(Deed::Notify) == 0 {
                    0
                } else {
                    u64::MAX
                }
            }
            _ => {
                if able(Deed::Update) == 0 {
                    0
                } else {
                    u64::MAX
                }
            }
        }
    }

    /// The next device and what it does; none if none of those that were asked can do it now.
    pub(super) fn next(&mut self, crowd: &Crowd) -> Option<(u32, Deed)> {
        let drawn = self.drawn.take().unwrap_or_else(|| self.draw());
        for _ in 0..ASKED.min(self.order.len()) {
            self.at = (self.at + 1) % self.order.len();
            let device = self.order[self.at];
            let deed = match drawn {
                // Who has left comes back.
                Deed::Deregister if self.phase == Phase::Mixed && crowd.can(device, Deed::Register) => {
                    Deed::Register
                }
                deed => deed,
            };
            let is_rejoining = matches!(deed, Deed::Deregister | Deed::Register);
            let may = self.phase != Phase::Mixed || !is_rejoining || crowd.comes_and_goes(device);
            if may && crowd.can(device, deed) {
                return Some((device, deed));
            }
        }
        self.drawn = Some(drawn);
        None
    }

    fn draw(&mut self) -> Deed {
        match self.phase {
            Phase::Register => Deed::Register,
            Phase::Update | Phase::Read => Deed::Update,
            Phase::Change => Deed::Change,
            Phase::Notify => Deed::Notify,
            Phase::Send => Deed::Send,
            Phase::Deregister => Deed::Deregister,
            Phase::Mixed => match self.random.random_range(0..100) {
                0..55 => Deed::Update,
                55..65 => Deed::Change,
                65..80 => Deed::Notify,
                80..95 => Deed::Send,
                _ => Deed::Deregister,
            },
        }
    }
}

/// How many devices are asked at most, so that a crowd that is busy is not walked for each operation.
const ASKED: usize = 256;
