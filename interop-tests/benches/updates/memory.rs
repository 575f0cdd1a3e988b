//! What one running update takes of the server's memory: the heap of a server with twice as many, less that of the same
//! server with half of them, counted byte by byte.

use std::time::Duration;

use interop_tests::{
    Settings,
    load::{Crowd, Options},
};

use super::{
    counted,
    stage::{Limit, Row, Stage, downloading, live_for, runtime},
};

const UPDATES: usize = 1_000;
/// Long enough that none ends meanwhile.
const IMAGE: usize = 1 << 20;
const BLOCK: f64 = 1_024.0;
const MOST: f64 = 4_096.0;

/// For each running update, beside its block.
pub(crate) fn of_each() -> Vec<Row> {
    runtime().block_on(async {
        let own = std::env::current_exe().expect("a program knows its executable");
        let stage = Stage::start(Settings { binary: Some(own), ..Settings::default() }).await;
        let devices = u32::try_from(2 * UPDATES).unwrap_or(u32::MAX);
        let mut crowd = stage.crowd(Options { devices, delay_ms: 500, ..Options::default() }).await;
        let ids = stage.ids(&mut crowd).await;
        let image = stage.image("2.0", IMAGE).await;
        let mut heaps = vec![heap(&stage, &mut crowd).await];
        for devices in ids.chunks(UPDATES) {
            crowd.live_while(Stage::push(&stage.rest, &image, devices)).await;
            let count = heaps.len() * UPDATES;
            while downloading(&crowd) < count {
                live_for(&mut crowd, Duration::from_secs(1)).await;
            }
            heaps.push(heap(&stage, &mut crowd).await);
        }
        assert_eq!(downloading(&crowd), 2 * UPDATES, "all of them run still");
        let each = |at: usize| (heaps[at + 1] - heaps[at]) as f64 / UPDATES as f64;
        eprintln!(
            "{heaps:?} bytes: {:.0} for each of the first {UPDATES}, {:.0} of the next",
            each(0),
            each(1)
        );
        let what = format!("memory of a running update beside its block, bytes ({UPDATES} more of them)");
        vec![Row { what, figure: each(1) - BLOCK, limit: Limit::AtMost(MOST) }]
    })
}

/// The least of some moments: what is just being done comes and goes.
async fn heap(stage: &Stage, crowd: &mut Crowd) -> i64 {
    // What is kept of exchanges that are over goes on being kept for MAX_TRANSMIT_SPAN and more, and so does a page's cache.
    live_for(crowd, SETTLES).await;
    let mut least = i64::MAX;
    for _ in 0..MOMENTS {
        least = least.min(crowd.live_while(counted::allocated(stage.subject.folder())).await);
    }
    least
}

const SETTLES: Duration = Duration::from_secs(20);
const MOMENTS: usize = 20;
