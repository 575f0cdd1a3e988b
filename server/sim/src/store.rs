//! A store with faults: what was applied is durable, and nothing else is.
//!
//! Commits are applied in the order in which they were begun, each when the weather has it. A crash takes those that wait,
//! but for as many of the first as were just being written.

mod areas;
mod ground;
mod port;

pub use ground::{Ground, Kind, Running};

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fleet::{
    Change, Commit, Committed, DeviceId, EndReason, OperationId, OperationState, Store, StoreError,
    queue::QueueChange,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::bench::{Bench, note};

/// A store with faults.
pub struct FaultyStore {
    bench: Arc<Bench>,
    /// What is durable.
    inner: Ground,
    state: Mutex<State>,
}

struct State {
    weather: StoreWeather,
    failure: Option<Failure>,
    /// How often the server has called it.
    calls: u64,
    random: StdRng,
    /// Commits that were begun and not applied, by their order.
    waiting: VecDeque<(u64, Commit)>,
    begun: u64,
    /// What came of those that were applied on the way to a later one.
    applied: BTreeMap<u64, Result<Committed, StoreError>>,
    /// When the last of those that wait is applied.
    busy_until: Duration,
    /// When it became well.
    unwell_until: Duration,
    news: Vec<News>,
}

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoreWeather {
    /// How long a commit takes, from and to.
    pub commit: (Duration, Duration),
    /// How likely a commit is applied although its caller hears that it was not, as when a connection breaks.
    pub ambiguous: f64,
    /// How likely a commit fails.
    pub failing: f64,
    /// Whether no commit is taken, as on a full disk.
    pub full: bool,
    /// Whether it answers nothing at all.
    pub down: bool,
}

/// Which call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The first that does, counted from 1.
    pub call: u64,
    /// Whether all later ones do, until it is healed.
    pub for_ever: bool,
}

/// Something that became durable and that time or order are judged by.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A registration ended.
    Ended(DeviceId, EndReason),
    /// An operation ended.
    OperationEnded(OperationId, OperationState),
    /// The end of an operation was refused.
    EndRefused(OperationId),
    /// A secure session with whoever is at this address is kept.
    SessionOpened(SocketAddr),
}

impl StoreWeather {
    /// A few milliseconds, and nothing fails.
    pub const FAIR: Self = Self {
        commit: (Duration::from_millis(1), Duration::from_millis(6)),
        ambiguous: 0.0,
        failing: 0.0,
        full: false,
        down: false,
    };
}

impl FaultyStore {
    /// One on this store.
    pub fn new(bench: Arc<Bench>, inner: Ground, seed: u64) -> Self {
        let state = State {
            weather: StoreWeather::FAIR,
            failure: None,
            calls: 0,
            random: StdRng::seed_from_u64(seed),
            waiting: VecDeque::new(),
            begun: 0,
            applied: BTreeMap::new(),
            busy_until: Duration::ZERO,
            unwell_until: Duration::ZERO,
            news: Vec::new(),
        };
        Self { bench, inner, state: Mutex::new(state) }
    }

    /// What is durable, to be looked at beside all faults.
    pub fn durable<'s, T, F: Future<Output = T>>(&'s self, question: impl FnOnce(&'s dyn Store) -> F) -> T {
        self.inner.ask(question)
    }

    /// How it is from now on.
    pub fn set_weather(&self, weather: StoreWeather) {
        let now = self.bench.now();
        let mut state = self.lock();
        if state.weather != StoreWeather::FAIR {
            state.unwell_until = now.max(state.busy_until);
        }
        state.weather = weather;
    }

    /// Lets a call fail, whatever it is for.
    pub fn fail(&self, failure: Failure) {
        self.lock().failure = Some(failure);
    }

    /// From now on no call fails, but for the weather.
    pub fn heal(&self) {
        self.lock().failure = None;
    }

    /// How often the server has called it.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The server has crashed: of the commits that wait, some of the first are applied.
    pub fn crash(&self) {
        let mut state = self.lock();
        let State { waiting, random, .. } = &mut *state;
        let applied = random.random_range(0..=waiting.len());
        let waiting = std::mem::take(waiting);
        note!(self.bench, "store: crash, {applied} of {} waiting commits are applied", waiting.len());
        for (_, commit) in waiting.into_iter().take(applied) {
            let _ = self.apply(&mut state, commit);
        }
        state.applied.clear();
        state.busy_until = Duration::ZERO;
    }

    /// When it was not well last.
    pub fn was_unwell(&self) -> Duration {
        let state = self.lock();
        if state.weather == StoreWeather::FAIR { state.unwell_until } else { self.bench.now() }
    }

    /// What became durable since this was asked last.
    pub fn news(&self) -> Vec<News> {
        std::mem::take(&mut self.lock().news)
    }

    /// Takes a commit.
    async fn take(&self, commit: Commit) -> Result<Committed, StoreError> {
        if !self.bench.reach() {
            return pending().await;
        }
        let now = self.bench.now();
        let (number, at, is_ambiguous) = match self.begin(now, commit) {
            Ok(begun) => begun,
            Err(at) => {
                self.sleep_until(at).await;
                return self.answer(Err(StoreError::Unavailable)).await;
            }
        };
        self.sleep_until(at).await;
        if !self.bench.is_alive() {
            return pending().await;
        }
        let result = self.apply_up_to(number);
        let result = if is_ambiguous && result.is_ok() { Err(StoreError::Unavailable) } else { result };
        self.answer(result).await
    }

    /// Puts a commit where it is applied: its number, when, and whether its caller hears otherwise. Or when that is refused.
    fn begin(&self, now: Duration, commit: Commit) -> Result<(u64, Duration, bool), Duration> {
        let mut state = self.lock();
        let weather = state.weather;
        let took = state.between(weather.commit);
        let refused = weather.full || weather.down || state.random.random_bool(weather.failing);
        if state.call_fails() || refused {
            note!(self.bench, "store: refuses {}", names(&commit));
            state.news.extend(commit.changes.iter().filter_map(|change| match change {
                Change::OperationEnded { id, .. } | Change::Queue(QueueChange::Superseded { id, .. }) => {
                    Some(News::EndRefused(*id))
                }
                _ => None,
            }));
            self.bench.pulse.notify_one();
            return Err(now + took);
        }
        state.begun += 1;
        let number = state.begun;
        state.busy_until = state.busy_until.max(now + took);
        state.waiting.push_back((number, commit));
        Ok((number, state.busy_until, state.random.random_bool(weather.ambiguous)))
    }

    fn apply_up_to(&self, number: u64) -> Result<Committed, StoreError> {
        let mut state = self.lock();
        while let Some((due, commit)) = state.waiting.pop_front_if(|(due, _)| *due <= number) {
            let result = self.apply(&mut state, commit);
            state.applied.insert(due, result);
        }
        state.applied.remove(&number).unwrap_or(Err(StoreError::Unavailable))
    }

    fn apply(&self, state: &mut State, commit: Commit) -> Result<Committed, StoreError> {
        let text = names(&commit);
        let news: Vec<News> = commit.changes.iter().filter_map(news).collect();
        // What is durable answers at once, by the time of the run.
        let result = self.inner.ask(|store| store.commit(commit));
        note!(self.bench, "store: {text} -> {}", word(&result));
        if result.is_ok() {
            state.news.extend(news);
            self.bench.pulse.notify_one();
        }
        result
    }

    /// Waits until the server has read.
    async fn look(&self) -> Result<(), StoreError> {
        if !self.bench.reach() {
            return pending().await;
        }
        let fails = self.lock().call_fails();
        if fails {
            note!(self.bench, "store: cannot be read");
        }
        if fails || self.lock().weather.down {
            self.answer(Err(StoreError::Unavailable)).await
        } else {
            Ok(())
        }
    }

    /// Waits until the server may write what is no commit.
    async fn write(&self, what: &str) -> Result<(), StoreError> {
        if !self.bench.reach() {
            return pending().await;
        }
        let (now, weather) = (self.bench.now(), self.lock().weather);
        let fails = self.lock().call_fails();
        let took = self.lock().between(weather.commit);
        self.sleep_until(now + took).await;
        if fails || weather.full || weather.down {
            note!(self.bench, "store: refuses {what}");
            return self.answer(Err(StoreError::Unavailable)).await;
        }
        note!(self.bench, "store: {what}");
        Ok(())
    }

    /// Hands an answer to the server, if there is one still.
    async fn answer<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.bench.reach() { answer } else { pending().await }
    }

    async fn sleep_until(&self, at: Duration) {
        tokio::time::sleep_until(self.bench.instant(at)).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call. Whether it fails.
    fn call_fails(&mut self) -> bool {
        self.calls += 1;
        let calls = self.calls;
        self.failure.is_some_and(|failure| calls == failure.call || failure.for_ever && calls > failure.call)
    }

    fn between(&mut self, (from, to): (Duration, Duration)) -> Duration {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random.random_range(millis(from)..=millis(to)))
    }
}

fn news(change: &Change) -> Option<News> {
    match change {
        Change::RegistrationEnded { device, reason, .. } => Some(News::Ended(*device, *reason)),
        Change::OperationEnded { id, state, .. } => Some(News::OperationEnded(*id, *state)),
        Change::Queue(QueueChange::Superseded { id, .. }) => {
            Some(News::OperationEnded(*id, OperationState::Superseded))
        }
        Change::SecureSessionOpened(session) => Some(News::SessionOpened(session.source.address)),
        _ => None,
    }
}

/// What a commit changes, in a few words.
fn names(commit: &Commit) -> String {
    let name = |change: &Change| match change {
        Change::Registered(registration) => {
            format!(
                "Registered({} {} lt={})",
                registration.device.0, registration.id, registration.lifetime.0
            )
        }
        Change::RegistrationEnded { device, reason, .. } => {
            format!("RegistrationEnded({} {reason:?})", device.0)
        }
        Change::Report { device, delivery, .. } => {
            format!("Report({}{})", device.0, if delivery.is_some() { "" } else { " read" })
        }
        Change::OperationQueued(record) => {
            format!("OperationQueued({} {})", record.id, record.operation.name())
        }
        Change::OperationSent { id, .. } => format!("OperationSent({id})"),
        Change::OperationEnded { id, state, .. } => format!("OperationEnded({id} {})", state.name()),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
        }
    };
    commit.changes.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn word(result: &Result<Committed, StoreError>) -> String {
    match result {
        Ok(Committed { duplicate: true, .. }) => "duplicate".to_owned(),
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}
