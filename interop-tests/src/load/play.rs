//! Plays the phases.

mod choice;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use self::choice::Choice;
use super::{
    Crowd, Deed, Moment, Options, Phase, PhaseFigures, Process, Report, Servers, api,
    figures::{Machine, Tally, slope_mib_per_hour},
    pace::Pace,
};
use crate::Rest;

/// A load on a server.
pub struct Load {
    options: Options,
    crowd: Crowd,
    rest: Rest,
    process: Process,
    choice: Choice,
    stop: Arc<AtomicBool>,
    kills: Arc<AtomicUsize>,
    moments: Vec<Moment>,
    wrong: Vec<String>,
    own_bytes_before: Option<u64>,
}

/// What is looked at before a phase and after it.
struct Look {
    at: Duration,
    cpu: Option<Duration>,
    rss: Option<u64>,
    kills: usize,
    retransmissions: u64,
    handshakes: u64,
    traffic: super::Traffic,
}

impl Load {
    /// Makes the devices, and gives those a credential that have a key.
    ///
    /// # Errors
    /// See [`Crowd::new`].
    ///
    /// # Panics
    /// If the API does not take them.
    pub async fn new(
        options: Options,
        servers: Servers,
        rest: Rest,
        process: Process,
    ) -> std::io::Result<Self> {
        let own_bytes_before = Process::new(std::process::id()).rss_bytes();
        let crowd = Crowd::new(&options, servers)?;
        api::enrol(&rest, &options).await;
        let choice = Choice::new(&options);
        let (stop, kills) = Default::default();
        let (moments, wrong) = Default::default();
        Ok(Self { options, crowd, rest, process, choice, stop, kills, moments, wrong, own_bytes_before })
    }

    /// What ends it before its time when it is set; there are figures of what was done by then.
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Where is counted how often the server was killed.
    pub fn kills(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.kills)
    }

    /// The devices.
    pub fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    /// Plays all phases.
    pub async fn run(&mut self) -> Report {
        let mut phases = Vec::new();
        for phase in self.options.phases.clone() {
            if self.is_stopped() {
                break;
            }
            if matches!(phase, Phase::Notify | Phase::Mixed) {
                self.observe().await;
            }
            phases.push(self.play(phase).await);
        }
        self.report(phases)
    }

    /// Has the server observe those that are registered and stay.
    ///
    /// # Panics
    /// If the API does not list the devices.
    pub async fn observe(&mut self) {
        let (crowd, rest) = (&mut self.crowd, &self.rest);
        let ids = crowd.live_while(api::ids(rest)).await;
        let names: Vec<String> = crowd.records().map(|(endpoint, ..)| endpoint).collect();
        let wanted = (0..crowd.len()).zip(&names).filter(|(device, _)| {
            !crowd.is_observed(*device) && !crowd.comes_and_goes(*device) && crowd.can(*device, Deed::Send)
        });
        let wanted: Vec<&String> = wanted.filter_map(|(_, endpoint)| ids.get(endpoint)).collect();
        crowd.live_while(api::observe(rest, &wanted)).await;
    }

    /// Plays one phase.
    pub async fn play(&mut self, phase: Phase) -> PhaseFigures {
        let before = self.look();
        let (tally, ended) = match phase {
            Phase::Read => self.read().await,
            phase => self.act(phase).await,
        };
        self.figures(phase, &before, &tally, ended)
    }

    /// Has every device say that it is still there, and waits for all answers or until that time has passed. How many have not
    /// been answered.
    pub async fn call_the_roll(&mut self, within: Duration) -> usize {
        let now = self.crowd.now();
        let every: Vec<u32> = (0..self.crowd.len()).filter(|it| self.crowd.can(*it, Deed::Update)).collect();
        every.iter().for_each(|device| self.crowd.begin(*device, Deed::Update, now));
        while self.crowd.under_way() > 0 && self.crowd.now() < now + within {
            self.crowd.live(now + within).await;
        }
        self.crowd.take_done().iter().filter(|done| done.outcome.is_err()).count() + self.crowd.under_way()
    }

    /// What there is to say of these phases, and of all.
    pub fn report(&self, phases: Vec<PhaseFigures>) -> Report {
        let own = Process::new(std::process::id()).rss_bytes().zip(self.own_bytes_before);
        Report {
            machine: Machine::this(),
            options: self.options.clone(),
            version: env!("CARGO_PKG_VERSION"),
            phases,
            own_bytes_per_device: own
                .map(|(now, before)| now.saturating_sub(before) / u64::from(self.crowd.len()).max(1)),
            moments: self.moments.clone(),
            rss_slope_mib_per_hour: slope_mib_per_hour(&self.moments),
            kills: self.kills.load(Ordering::Relaxed),
            wrong: self.crowd.wrong().iter().chain(&self.wrong).cloned().collect(),
            handshakes_repeated: self.crowd.handshakes_repeated(),
        }
    }

    /// Devices act, at their pace, until time or count are up; then what is under way comes to its end.
    async fn act(&mut self, phase: Phase) -> (Tally, Duration) {
        let started = self.crowd.now();
        let is_for_all = matches!(phase, Phase::Register | Phase::Deregister);
        let count = self.choice.begin(phase, &self.crowd).min(self.options.count);
        let ends = started + if is_for_all { FOR_ALL } else { Duration::from_secs(self.options.seconds) };
        let mut pace = Pace::new(started, self.options.rate, self.options.outstanding);
        let bar = bar(phase, if is_for_all { count } else { self.options.seconds });
        let (mut tally, mut last, mut given_up) = (Tally::new(), started, None);
        loop {
            let now = self.crowd.now();
            let is_over = now >= ends || tally.begun >= count || self.is_stopped();
            while !is_over
                && tally.begun < count
                && let Some(due) = pace.due(now, self.crowd.under_way())
                && let Some((device, deed)) = self.choice.next(&self.crowd)
            {
                self.crowd.begin(device, deed, due);
                pace.begin();
                tally.begun += 1;
            }
            let until =
                *given_up.get_or_insert(if is_over { now + LAST_ANSWERS } else { ends + LAST_ANSWERS });
            if is_over {
                if self.crowd.under_way() == 0 || now >= until {
                    break;
                }
            } else {
                given_up = None;
            }
            let next = pace.next().filter(|_| !is_over).unwrap_or(now + TICK).clamp(now, now + TICK);
            self.crowd.live(next.max(now + MOMENT)).await;
            for done in self.crowd.take_done() {
                last = self.crowd.now();
                tally.count(done.outcome);
            }
            self.watch();
            let position = if is_for_all { tally.done } else { (now - started).as_secs() };
            bar.set_position(position);
            bar.set_message(format!("{} done, {} failed", tally.done, tally.failed()));
        }
        bar.finish();
        (tally, last)
    }

    async fn read(&mut self) -> (Tally, Duration) {
        let (crowd, rest) = (&mut self.crowd, &self.rest);
        let ids = crowd.live_while(api::ids(rest)).await;
        let names: Vec<String> = crowd.records().map(|(endpoint, ..)| endpoint).collect();
        let is_there = |device: &u32| crowd.can(*device, Deed::Update);
        let targets = (0..crowd.len()).filter(is_there).zip(&names);
        let targets = targets.filter_map(|(device, endpoint)| Some((device, ids.get(endpoint)?.clone())));
        let first = self.options.first;
        let targets: Vec<(u32, String)> = targets.map(|(device, id)| (first + device, id)).collect();
        if targets.is_empty() {
            return (Tally::new(), crowd.now());
        }
        let (tally, wrong) = crowd.live_while(api::read(rest, &self.options, &targets)).await;
        self.wrong.extend(wrong);
        (tally, self.crowd.now())
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Looks at the server's memory, not too often.
    fn watch(&mut self) {
        let seconds = self.crowd.now().as_secs_f64();
        let is_due = self.moments.last().is_none_or(|last| seconds - last.seconds >= BETWEEN_MOMENTS);
        if is_due && let Some(rss_bytes) = self.process.rss_bytes() {
            self.moments.push(Moment { seconds, rss_bytes });
        }
    }

    fn look(&self) -> Look {
        Look {
            at: self.crowd.now(),
            cpu: self.process.cpu(),
            rss: self.process.rss_bytes(),
            kills: self.kills.load(Ordering::Relaxed),
            retransmissions: self.crowd.retransmissions(),
            handshakes: self.crowd.handshakes(),
            traffic: self.crowd.traffic(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nothing here comes near 2^52")]
    fn figures(&self, phase: Phase, before: &Look, tally: &Tally, ended: Duration) -> PhaseFigures {
        let after = self.look();
        let seconds = ended.saturating_sub(before.at).as_secs_f64();
        let all = after.at.saturating_sub(before.at).as_secs_f64();
        let cpu = after.cpu.zip(before.cpu).filter(|_| after.kills == before.kills);
        let cpu = cpu.map(|(after, before)| after.saturating_sub(before).as_secs_f64());
        let grown =
            after.rss.zip(before.rss).map(|(after, before)| after.cast_signed() - before.cast_signed());
        PhaseFigures {
            phase,
            begun: tally.begun,
            done: tally.done,
            errors: tally.errors.clone(),
            unfinished: tally.begun - tally.done - tally.failed(),
            seconds,
            rate: if seconds > 0.0 { tally.done as f64 / seconds } else { 0.0 },
            latency: tally.latency(),
            retransmissions: after.retransmissions.saturating_sub(before.retransmissions),
            handshakes: after.handshakes - before.handshakes,
            traffic: after.traffic.since(&before.traffic),
            server_cpu_us_per_operation: cpu.map(|cpu| cpu * 1e6 / (tally.done as f64).max(1.0)),
            server_cpu_share: cpu.map(|cpu| cpu / all.max(f64::EPSILON)),
            server_rss_bytes_before: before.rss,
            server_rss_bytes_after: after.rss,
            server_bytes_per_device: grown.map(|grown| grown / i64::from(self.crowd.len()).max(1)),
        }
    }
}

fn bar(phase: Phase, len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:10} {elapsed:>4} {wide_bar} {pos}/{len} {msg}");
    let bar = ProgressBar::new(len).with_prefix(format!("{phase:?}"));
    bar.set_style(style.expect("the template is well-formed"));
    bar
}

/// How long every device may take to register, or to deregister.
const FOR_ALL: Duration = Duration::from_secs(3_600);

/// How long is waited for what is under way at the end of a phase: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2).
const LAST_ANSWERS: Duration = Duration::from_secs(93);

/// How long the crowd lives without a look at what else is to be done.
const TICK: Duration = Duration::from_millis(50);

/// The least that tokio's timer can wait.
const MOMENT: Duration = Duration::from_millis(1);

/// In seconds.
const BETWEEN_MOMENTS: f64 = 5.0;
