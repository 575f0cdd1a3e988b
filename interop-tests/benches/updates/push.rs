//! How fast one package goes to one device, against what its blocks take by themselves.

use std::{sync::Arc, time::Duration};

use device::{FirmwareState, TestImage};
use interop_tests::{
    Settings,
    load::{Crowd, Deed, Options, Servers},
};

use super::{
    bare,
    stage::{Limit, Row, Stage, live_for, runtime},
};

const IMAGE: usize = 1 << 20;
const BLOCK: usize = 1_024;
/// How often each is pushed on the loopback, in turns: so often that the machine is quiet once.
const ROUNDS: u32 = 30;
/// One way.
const DELAY: Duration = Duration::from_millis(50);
/// Of what the exchange of blocks allows.
const LEAST: f64 = 0.90;

/// On the loopback, in turns with the bare exchange; the least counts of each, so that what else the machine does stays out of it.
pub(crate) fn loopback() -> Vec<Row> {
    runtime().block_on(async {
        let stage = Stage::start(Settings::default()).await;
        let options = Options { devices: ROUNDS, ..Options::default() };
        let mut crowd = stage.crowd(options.clone()).await;
        let ids = stage.ids(&mut crowd).await;
        let address = bare::start(TestImage::bytes("2.0", IMAGE));
        // Nobody is there for DTLS, and nobody comes.
        let servers = Servers { coap: address, coaps: ([127, 0, 0, 1], 9).into() };
        let options = Options { first: options.devices, firmware: true, ..options };
        let mut bare = Crowd::new(&options, servers).expect("there is a socket");
        let image = stage.image("2.0", IMAGE).await;
        let (mut least, mut took) = (Vec::new(), Vec::new());
        for device in 0..ROUNDS {
            let now = bare.now();
            bare.begin(device, Deed::Register, now);
            least.push(delivered(&mut bare, device).await);
            // Until its last answer has left, too.
            live_for(&mut bare, Duration::from_millis(200)).await;
            let asked = begin(&stage, &image, &ids[device as usize]);
            took.push(delivered(&mut crowd, device).await);
            crowd.live_while(asked).await.expect("it has begun");
            eprintln!("{:.1?} of blocks, {:.1?} from the server", least.last(), took.last());
        }
        stage.all_succeed(&mut crowd, &image, ROUNDS as usize, Duration::from_secs(120)).await;
        let (least, took) = (shortest(&least), shortest(&took));
        vec![row("1 MiB to one device, loopback", least, took)]
    })
}

/// With a round trip of a tenth of a second.
pub(crate) fn slow() -> Vec<Row> {
    runtime().block_on(async {
        let stage = Stage::start(Settings::default()).await;
        let delay_ms = u64::try_from(DELAY.as_millis()).unwrap_or_default();
        let mut crowd = stage.crowd(Options { devices: 1, delay_ms, ..Options::default() }).await;
        let ids = stage.ids(&mut crowd).await;
        let image = stage.image("2.0", IMAGE).await;
        let asked = begin(&stage, &image, &ids[0]);
        let took = delivered(&mut crowd, 0).await;
        crowd.live_while(asked).await.expect("it has begun");
        stage.all_succeed(&mut crowd, &image, 1, Duration::from_secs(120)).await;
        // From the arrival of the first block to that of the last.
        let exchanges = u32::try_from(IMAGE / BLOCK - 1).unwrap_or(u32::MAX);
        vec![row("1 MiB to one device, a round trip of 100 ms", 2 * DELAY * exchanges, took)]
    })
}

fn begin(stage: &Stage, image: &str, device: &str) -> tokio::task::JoinHandle<()> {
    let (rest, image, device) = (Arc::clone(&stage.rest), image.to_owned(), device.to_owned());
    tokio::spawn(async move { Stage::push(&rest, &image, &[device]).await })
}

/// Lives until a device has a package, and how long that took from its first block on.
async fn delivered(crowd: &mut Crowd, device: u32) -> Duration {
    let mut began = None;
    let deadline = crowd.now() + WITHIN;
    loop {
        let now = crowd.now();
        assert!(now < deadline, "the package does not come");
        crowd.live(now + Duration::from_millis(50)).await;
        let now = crowd.now();
        let firmware = crowd.device(device).firmware().expect("it has an object 5");
        match firmware.state {
            FirmwareState::Downloading if firmware.received > 0 => {
                began.get_or_insert(now);
            }
            FirmwareState::Downloaded | FirmwareState::Updating => {
                return now - began.expect("a package of many blocks is seen on its way");
            }
            _ => {}
        }
    }
}

fn shortest(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

fn row(what: &str, least: Duration, took: Duration) -> Row {
    let what = format!("{what}: {least:.2?} of blocks in {took:.2?}");
    Row { what, figure: least.as_secs_f64() / took.as_secs_f64(), limit: Limit::AtLeast(LEAST) }
}

const WITHIN: Duration = Duration::from_secs(300);
