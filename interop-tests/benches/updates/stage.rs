//! A server and its devices, and a figure that is held against a limit.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use device::{FirmwareState, TestImage};
use interop_tests::{
    Console, Interface, Rest, Settings, Subject, Transport,
    load::{Crowd, Deed, Options, Servers, ids},
};
use serde_json::{Value, json};

/// A server that runs.
pub(crate) struct Stage {
    pub(crate) subject: Subject,
    pub(crate) rest: Arc<Rest>,
    pub(crate) servers: Servers,
}

/// A figure.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) figure: f64,
    pub(crate) limit: Limit,
}

/// What a figure is to be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Stage {
    pub(crate) async fn start(settings: Settings) -> Self {
        let subject = Subject::start_with(Settings { log: Some("warn"), ..settings }).await;
        let console = Console::set_up(&subject).await;
        let rest = Arc::new(Rest::of(&subject, &console).await);
        let at = |transport| subject.address(Interface::Management, transport);
        let servers = Servers { coap: at(Transport::Udp), coaps: at(Transport::Dtls) };
        Self { subject, rest, servers }
    }

    /// Devices with an object 5 that are registered.
    pub(crate) async fn crowd(&self, options: Options) -> Crowd {
        let options = Options { firmware: true, ..options };
        let mut crowd = Crowd::new(&options, self.servers).expect("there is a socket");
        register_all(&mut crowd).await;
        crowd
    }

    /// The ids of some devices of a crowd.
    pub(crate) async fn ids(&self, crowd: &mut Crowd) -> Vec<String> {
        let names: Vec<String> = crowd.records().map(|(endpoint, ..)| endpoint).collect();
        let ids = crowd.live_while(ids(&self.rest)).await;
        names.iter().map(|endpoint| ids[endpoint].clone()).collect()
    }

    /// An image of that version and length. Its id.
    pub(crate) async fn image(&self, version: &str, len: usize) -> String {
        self.rest.firmware(version, &TestImage::bytes(version, len)).await
    }

    /// Begins to push an image to devices.
    ///
    /// # Panics
    /// If one is refused.
    pub(crate) async fn push(rest: &Rest, image: &str, devices: &[String]) {
        let terms = json!({ "delivery": "push", "quiet_seconds": 1, "install_within_seconds": 600 });
        // As many as the API takes within the time that it has for an answer.
        for devices in devices.chunks(AT_ONCE) {
            let asked = json!({ "artefact": image, "devices": devices, "terms": terms });
            let begun = rest.post("/updates", asked).await;
            let begun = begun["devices"].as_array().map_or(&[][..], Vec::as_slice);
            let has_begun = |one: &&Value| one["update"].is_string();
            assert_eq!(begun.iter().filter(has_begun).count(), devices.len(), "{:?}", begun.first());
        }
    }

    /// Lives until so many updates with that image have succeeded.
    ///
    /// # Panics
    /// If one ends otherwise, or they take longer than that.
    pub(crate) async fn all_succeed(&self, crowd: &mut Crowd, image: &str, count: usize, within: Duration) {
        let asked = format!("/updates/counts?artefact={image}");
        let deadline = Instant::now() + within;
        loop {
            let counts = crowd.live_while(self.rest.get(&asked)).await;
            let of = |phase: &str| counts["phases"][phase].as_u64().unwrap_or_default();
            if of("succeeded") == count as u64 {
                return;
            }
            let is_bad = of("failed") + of("cancelled") + of("refused") > 0;
            assert!(!is_bad && Instant::now() < deadline, "they do not all succeed: {counts}");
            live_for(crowd, Duration::from_secs(1)).await;
        }
    }
}

impl Row {
    pub(crate) fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.figure >= least,
            Limit::AtMost(most) => self.figure <= most,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, limit) = match self.limit {
            Limit::AtLeast(least) => (">=", least),
            Limit::AtMost(most) => ("<=", most),
        };
        let verdict = if self.holds() { "PASS" } else { "short" };
        write!(out, "{:64}{:10.2} {word} {limit:.2} {verdict}", self.what, self.figure)
    }
}

/// Registers devices, many at a time.
///
/// # Panics
/// If one is not taken.
pub(crate) async fn register_all(crowd: &mut Crowd) {
    let mut next = 0;
    let mut done = 0;
    while done < crowd.len() {
        while next < crowd.len() && crowd.under_way() < AT_A_TIME {
            let now = crowd.now();
            crowd.begin(next, Deed::Register, now);
            next += 1;
        }
        live_for(crowd, Duration::from_millis(20)).await;
        for over in crowd.take_done() {
            assert!(over.outcome.is_ok(), "a device is not taken: {:?}", over.outcome);
            done += 1;
        }
    }
}

/// How many of a crowd's devices are in the middle of a package.
pub(crate) fn downloading(crowd: &Crowd) -> usize {
    let is_downloading = |device: &u32| {
        let firmware = crowd.device(*device).firmware();
        firmware.is_some_and(|it| it.state == FirmwareState::Downloading && it.received > 0)
    };
    (0..crowd.len()).filter(is_downloading).count()
}

/// Lets the devices live for so long.
pub(crate) async fn live_for(crowd: &mut Crowd, time: Duration) {
    crowd.live_while(tokio::time::sleep(time)).await;
}

/// A runtime of one thread.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built")
}

/// How many devices register at the same time.
const AT_A_TIME: usize = 250;

/// How many updates are begun by one request.
const AT_ONCE: usize = 100;
