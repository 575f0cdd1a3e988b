//! What pushes do to devices that register: a thousand registrations a second, with the pushes and without them in turns.

use std::{sync::mpsc, thread, time::Duration};

use interop_tests::{
    Rest, Settings,
    load::{Crowd, Latency, Load, Options, Phase, PhaseFigures, Process, Servers},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::stage::{Limit, Row, Stage, downloading, live_for, runtime};

const PUSHES: u32 = 2_000;
/// One way: a round trip of a second.
const DELAY_MS: u64 = 500;
/// So many blocks that no push ends while it is to run.
const IMAGE: usize = 110 << 10;
const RATE: u32 = 1_000;
/// How long it is measured, each time.
const SECONDS: u32 = 30;
/// How often with the pushes, and how often without.
const TURNS: u32 = 2;
const MOST: f64 = 1.20;

/// The 99th percentile with the pushes, against that without.
pub(crate) fn beside() -> Vec<Row> {
    runtime().block_on(async {
        let stage = Stage::start(Settings::default()).await;
        let options = Options { devices: PUSHES, delay_ms: DELAY_MS, ..Options::default() };
        let mut crowd = stage.crowd(options).await;
        let ids = stage.ids(&mut crowd).await;
        let mut others =
            Others::begin(stage.servers, Rest::clone(&stage.rest), Process::new(stage.subject.pid()));
        // The first time each device is made; that is not what is measured.
        others.play(&mut crowd, Phase::Register).await;
        others.play(&mut crowd, Phase::Deregister).await;
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            without.push(others.play(&mut crowd, Phase::Register).await);
            others.play(&mut crowd, Phase::Deregister).await;
            let image = stage.image(&format!("{}.0", turn + 2), IMAGE).await;
            crowd.live_while(Stage::push(&stage.rest, &image, &ids)).await;
            while downloading(&crowd) < ids.len() {
                live_for(&mut crowd, Duration::from_millis(500)).await;
            }
            with.push(others.play(&mut crowd, Phase::Register).await);
            assert_eq!(downloading(&crowd), ids.len(), "every push has gone on meanwhile");
            others.play(&mut crowd, Phase::Deregister).await;
            stage.all_succeed(&mut crowd, &image, ids.len(), Duration::from_secs(600)).await;
        }
        for (name, latencies) in [("without", &without), ("with", &with)] {
            for Latency { p50, p90, p99, p99_9, max } in latencies {
                eprintln!("{name} pushes: p50 {p50} p90 {p90} p99 {p99} p99.9 {p99_9} max {max} ms");
            }
        }
        let mean = |of: &[Latency]| of.iter().map(|one| one.p99).sum::<f64>() / of.len() as f64;
        let what = format!(
            "p99 of {RATE} registrations a second, {:.1} ms with {PUSHES} pushes, {:.1} without",
            mean(&with),
            mean(&without)
        );
        vec![Row { what, figure: mean(&with) / mean(&without), limit: Limit::AtMost(MOST) }]
    })
}

/// Devices that come and go, in a thread of their own, on a network that takes no time.
struct Others {
    phases: mpsc::Sender<Phase>,
    played: UnboundedReceiver<PhaseFigures>,
}

impl Others {
    fn begin(servers: Servers, rest: Rest, process: Process) -> Self {
        let (phases, wanted) = mpsc::channel();
        let (played_in, played) = unbounded_channel();
        thread::spawn(move || {
            let runtime = runtime();
            let rate = Some(f64::from(RATE));
            let options = Options { devices: RATE * SECONDS, first: PUSHES, rate, ..Options::default() };
            let load = runtime.block_on(Load::new(options, servers, rest, process));
            let mut load = load.expect("there is a socket");
            while let Ok(phase) = wanted.recv() {
                drop(played_in.send(runtime.block_on(load.play(phase))));
            }
        });
        Self { phases, played }
    }

    /// Has all of them do that, while the others live.
    async fn play(&mut self, crowd: &mut Crowd, phase: Phase) -> Latency {
        self.phases.send(phase).expect("the thread waits");
        let figures = crowd.live_while(self.played.recv()).await.expect("the thread answers");
        assert_eq!(figures.done, u64::from(RATE * SECONDS), "{phase:?}: {:?}", figures.errors);
        figures.latency
    }
}
