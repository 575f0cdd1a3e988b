//! Addresses to fetch from: who gets what by them, and until when.

use std::{net::SocketAddr, time::Duration};

use super::{artefacts::uploaded, *};
use crate::{
    ArtefactChange, Asker, DiaryCause, Given, UpdatePolicy,
    store::{DiaryQuery, PageRequest, Updates as _},
    update::{
        DownloadKey, NotGiven, Package, Scheme, Update, UpdateChange, UpdateId, UpdatePhase, UpdateTarget,
    },
};

const KEY: DownloadKey = DownloadKey([0x5a; 16]);

/// A device that was told to fetch by [`KEY`].
struct Counter {
    bench: Bench,
    update: Update,
}

impl Counter {
    fn new() -> Self {
        let bench = with_users();
        let artefact = uploaded(&bench);
        let package = Package { artefact, version: "1.4.0".into(), size: 21, target: UpdateTarget::Firmware };
        let device = (DeviceId(1), public_id(1));
        let update = Update {
            phase: UpdatePhase::Delivering,
            due_at: START.after(Duration::from_secs(60)),
            prepared: 2,
            delivered: true,
            download: Some(KEY.digest()),
            ..Update::begins(UpdateId::new(START, [1; 10]), START, request(), device, package)
        };
        bench.commit(vec![Change::Update(UpdateChange::Begun(Box::new(update.clone())))]);
        block_on(bench.fleet.restore_updates()).unwrap();
        Self { bench, update }
    }

    fn save(&self, change: impl FnOnce(&mut Update)) {
        let mut update = self.update.clone();
        change(&mut update);
        self.bench.commit(vec![Change::Update(UpdateChange::Saved(Box::new(update)))]);
    }

    fn ask(
        &self,
        key: DownloadKey,
        scheme: Scheme,
        device: Option<i64>,
        after: Duration,
    ) -> Result<Given, NotGiven> {
        let device = device.map(DeviceId);
        let asker = Asker { scheme, device, from: from(), listener: "coaps://0.0.0.0:5685" };
        block_on(self.bench.fleet.download(&key, &asker, START.after(after))).unwrap()
    }

    fn over_https(&self) -> Result<Given, NotGiven> {
        self.ask(KEY, Scheme::Https, None, Duration::ZERO)
    }

    fn policy(&self, policy: UpdatePolicy) {
        self.bench.commit(vec![Change::Artefact(ArtefactChange::PolicySaved(policy))]);
    }

    fn diary(&self) -> Vec<(DiaryCause, String)> {
        block_on(self.bench.fleet.flush_diary(START)).unwrap();
        let query = DiaryQuery::all(PageRequest::first(PageRequest::MAX_LIMIT));
        let page = block_on(self.bench.fleet.diary(&context(Role::Viewer), &query)).unwrap();
        page.rows.into_iter().map(|entry| (entry.cause, entry.detail)).collect()
    }
}

fn from() -> SocketAddr {
    "192.0.2.7:40000".parse().unwrap()
}

#[test]
fn a_device_gets_what_it_was_told_to_fetch_and_nobody_else_does() {
    let counter = Counter::new();
    let given = counter.ask(KEY, Scheme::Coaps, Some(1), Duration::ZERO).unwrap();
    assert_eq!((given.update, given.cleared.device()), (counter.update.id, DeviceId(1)));
    assert_eq!(block_on(counter.bench.fleet.cleared_part(&given.cleared, 0, 99)).unwrap().len(), 21);
    for (scheme, device) in [(Scheme::Coaps, Some(2)), (Scheme::Coaps, None), (Scheme::Https, Some(2))] {
        let refused = counter.ask(KEY, scheme, device, Duration::ZERO);
        assert_eq!(refused, Err(NotGiven::OtherDevice), "{scheme:?} {device:?}");
    }
    let guessed = DownloadKey([0x5b; 16]);
    assert_eq!(counter.ask(guessed, Scheme::Https, None, Duration::ZERO), Err(NotGiven::Unknown));
    let diary = counter.diary();
    assert!(diary.iter().all(|(cause, _)| *cause == DiaryCause::DownloadRefused));
    assert!(!diary.is_empty() && diary.iter().all(|(_, detail)| !detail.contains(&KEY.text())));
}

#[test]
fn an_address_ends_with_its_time_its_try_and_its_update() {
    let counter = Counter::new();
    let within = counter.update.terms.download_within;
    assert_eq!(counter.ask(KEY, Scheme::Https, None, within), Err(NotGiven::Expired));
    // What it fetches keeps it good, also before that is written.
    let half = START.after(within / 2);
    counter.bench.fleet.download_progressed(counter.update.id, 10, half);
    assert!(counter.ask(KEY, Scheme::Https, None, within).is_ok());
    counter.save(|update| update.cancelling = true);
    assert_eq!(counter.over_https(), Err(NotGiven::Over));
    counter.save(|update| update.phase = UpdatePhase::Installing);
    assert_eq!(counter.over_https(), Err(NotGiven::Over));
    counter.save(|update| update.download = None);
    assert_eq!(counter.over_https(), Err(NotGiven::Unknown));
    counter.save(|update| {
        update.phase = UpdatePhase::Cancelled;
        update.ended_at = Some(START);
    });
    assert_eq!(counter.over_https(), Err(NotGiven::Unknown));
}

#[test]
fn in_the_clear_nothing_is_given_but_where_the_class_allows_it() {
    let counter = Counter::new();
    let unsigned = UpdatePolicy { unsigned: true, ..UpdatePolicy::new(ClassId::DEFAULT) };
    for (coap, http) in [(false, false), (true, false), (false, true)] {
        counter.policy(UpdatePolicy { coap, http, ..unsigned.clone() });
        for (scheme, allowed) in [(Scheme::Coap, coap), (Scheme::Http, http), (Scheme::Https, true)] {
            let given = counter.ask(KEY, scheme, None, Duration::ZERO);
            match allowed {
                true => assert!(given.is_ok(), "{scheme:?}"),
                false => assert_eq!(given, Err(NotGiven::NotAllowed(scheme))),
            }
        }
    }
}

#[test]
fn each_time_it_is_decided_anew_whether_the_artefact_may_go_there() {
    let counter = Counter::new();
    assert!(counter.over_https().is_ok());
    counter.policy(UpdatePolicy::new(ClassId::DEFAULT));
    assert!(matches!(counter.over_https(), Err(NotGiven::Misfit(crate::Misfit::Unsigned))));
    counter.policy(UpdatePolicy { unsigned: true, ..UpdatePolicy::new(ClassId::DEFAULT) });
    assert!(counter.over_https().is_ok());
    let id = counter.update.artefact;
    counter.bench.commit(vec![Change::Artefact(ArtefactChange::Withdrawn { id, at: START })]);
    assert!(matches!(counter.over_https(), Err(NotGiven::Misfit(crate::Misfit::Withdrawn))));
    assert!(counter.bench.fleet.next_update() <= Some(START), "its engine looks at it at once");
}

#[test]
fn the_furthest_byte_of_a_download_is_written_in_batches() {
    let counter = Counter::new();
    let at = |seconds| START.after(Duration::from_secs(seconds));
    for (upto, seconds) in [(5, 1), (15, 2), (10, 3)] {
        counter.bench.fleet.download_progressed(counter.update.id, upto, at(seconds));
    }
    counter.bench.fleet.download_progressed(UpdateId::new(START, [9; 10]), 7, at(4));
    block_on(counter.bench.fleet.flush_progress()).unwrap();
    let row = block_on(counter.bench.store.update(counter.update.id)).unwrap().unwrap();
    assert_eq!((row.sent, row.progress_at), (15, at(3)));
}
