//! The lives of the server, one after the other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::Store;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use server::{Assembly, Clock, Entropy, Parts};
use tokio::runtime::Builder;

use super::{Checks, ORIGIN, World};
use crate::{
    Outcome,
    bench::note,
    gauges::Gauges,
    network::Wire,
    panics,
    seed::{Plan, Trouble},
    store::Ground,
};

/// How a life of the server ended.
#[derive(Debug, PartialEq)]
enum End {
    Died,
    Stopped,
    NotStarted,
    Over,
}

/// How long an installation remembers what message ids and tokens are made from.
const INSTALLATION: [u8; 32] = [7; 32];

/// Runs a seed; its trace keeps so many lines.
pub(crate) fn run(plan: Plan, keep: usize) -> Outcome {
    let gauges = Gauges::default();
    let recorder = gauges.clone();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (seed, devices) = (plan.seed, plan.devices);
    let ground = Ground::new(plan.store);
    let mut world = World::new(plan, keep, gauges, ground);
    let mut lives = 0;
    while !world.ended && world.bench.violation().is_none() {
        lives += 1;
        world.live();
    }
    let (hash, lines, tail) = world.bench.trace();
    Outcome {
        seed,
        devices,
        lasted: world.bench.now(),
        lives,
        store_calls: world.store.calls(),
        hash,
        lines,
        tail,
        violation: world.bench.violation(),
    }
}

impl World {
    fn live(&mut self) {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without input and output needs nothing of the system");
        runtime.block_on(async {
            self.bench.enter();
            let end = self.live_and_die().await;
            note!(self.bench, "server: {end:?}");
            self.bench.die();
            self.air.close();
            self.take_news();
            self.store.crash();
            self.take_news();
            if !self.ended {
                self.check(Checks::restarted);
            }
            self.bench.leave();
        });
        self.gauges.clear();
        drop(runtime);
    }

    async fn live_and_die(&mut self) -> End {
        self.wait_for_start().await;
        self.bench.revive();
        if self.has(Trouble::Crash) && self.random.random_bool(0.15) {
            self.bench.die_after(self.random.random_range(1..20));
        }
        note!(self.bench, "server: starts, life {}", self.bench.life());
        let (config, wire) = (Arc::clone(&self.config), Wire(Arc::clone(&self.air)));
        let random = Mutex::new(StdRng::seed_from_u64(self.random.random()));
        let origin = self.bench.instant(self.bench.now());
        let parts = Parts {
            config: &config,
            library: self.library.clone(),
            network: &wire,
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            blobs: Arc::new(fleet::MemoryBlobs::new()),
            clock: Clock::simulated(origin, ORIGIN.after(self.bench.now()), Arc::clone(&self.wall_off)),
            entropy: Entropy::new(move |bytes| {
                random.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
            }),
            seed: INSTALLATION,
            seed_is_new: false,
            issuer: None,
            offers: Vec::new(),
        };
        self.model.operations.shown(self.wall(), true);
        let mut starting = Box::pin(Assembly::start(parts));
        let assembly = loop {
            tokio::select! {
                biased;
                started = &mut starting => match started {
                    Ok(assembly) => break assembly,
                    Err(error) => {
                        note!(self.bench, "server: does not start: {error}");
                        return End::NotStarted;
                    }
                },
                () = self.step() => {}
            }
            if !self.goes_on() {
                return End::Died;
            }
        };
        note!(self.bench, "server: is up");
        self.check(Checks::restarted);
        self.serve(assembly).await
    }

    async fn serve(&mut self, assembly: Assembly) -> End {
        self.fleet = Some(Arc::clone(assembly.fleet()));
        self.begin_work();
        while self.goes_on() {
            if !assembly.is_whole() {
                self.bench.violate("I-19", "a task of the server has ended by itself");
            }
            if self.stops {
                break;
            }
            self.step().await;
        }
        self.fleet = None;
        if self.ended || self.bench.violation().is_some() {
            return End::Over;
        }
        if !std::mem::take(&mut self.stops) {
            return End::Died;
        }
        note!(self.bench, "server: stops");
        let mut stopping = Box::pin(assembly.stop());
        loop {
            tokio::select! {
                biased;
                () = &mut stopping => return End::Stopped,
                () = self.step() => {}
            }
            if !self.goes_on() {
                return End::Died;
            }
        }
    }

    /// The server is down for a while.
    async fn wait_for_start(&mut self) {
        let down = match self.random.random_range(0..4) {
            _ if self.bench.life() == 0 => 0,
            0..=1 => self.random.random_range(0..2_000),
            2 => self.random.random_range(2_000..30_000),
            _ if self.calm => 1_000,
            _ => self.random.random_range(30_000..200_000),
        };
        let up_at = self.bench.now() + Duration::from_millis(down);
        self.agenda.insert((up_at, 0), super::Act::Nothing);
        while self.bench.now() < up_at && self.bench.violation().is_none() {
            self.step().await;
        }
    }

    fn goes_on(&self) -> bool {
        if let Some(panic) = panics::take() {
            self.bench.violate("I-19", panic);
        }
        self.bench.is_alive() && !self.ended && self.bench.violation().is_none()
    }
}
