//! Bootstrap through the verbs: who may come, what is durable before the device is answered, and that a device has a
//! credential that works whatever is cut off when.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use fleet::{
    AccountCredential, Actor, BootstrapAsked, BootstrapRequest, BootstrapResult, BootstrapSettings, Cause,
    Change, ClassId, Commit, Context, CredentialId, CredentialState, DeviceId, DiaryCause, Downlink, Ending,
    EndpointName, Feed, Fleet, GivenPsk, Holder, Identity, Library, ListenerId, Malformed, Material,
    NewClaim, NewDevice, OperationId, Order, Origin, Plan, PlanScope, Presence, PskIdentity, PskKey, Purpose,
    Refusal, Removal, RequestId, ResponseCode, Role, ServerKeys, Session, Shown, Source, Step, StepAnswer,
    Store, StoreError, Taken, Timestamp, UserId, Verb,
    store::{AuditQuery, DiaryQuery, MemoryStore, PageRequest},
};
use futures::executor::block_on;
use objects::{Path, Registry, Value};

mod walk;
mod world;

use walk::{Client, Cut};
use world::{START, World};

/// Of a pre-shared key.
fn psk(credential: AccountCredential) -> (CredentialId, PskIdentity, PskKey) {
    let Material::Psk { identity, key } = credential.material else { panic!("a pre-shared key") };
    (credential.id, identity, key)
}

#[test]
fn a_device_gets_a_management_credential_that_is_durable_before_it_is_answered() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let session = world.begin("node-7", Some(enrolled.clone())).unwrap();
    let (id, identity, key) = psk(session.prepared().account.credential.clone().unwrap());
    let (credential, stored) = block_on(world.store.credential_row(id)).unwrap().unwrap();
    assert_eq!((credential.identity.psk(), stored.psk()), (Some(&identity), Some(&key)));
    assert_eq!((credential.state, credential.purpose), (CredentialState::Staged, Purpose::Management));
    assert_eq!(credential.holder, Holder::Device(session.prepared().device));
    assert_eq!(credential.parent, Some(enrolled.credential.id), "lineage");
    assert_ne!(identity.text(), "node-7");
    assert_ne!(Some(&identity), enrolled.credential.identity.psk());
    let record = block_on(world.store.bootstrap(session.prepared().id)).unwrap().unwrap();
    assert_eq!((record.result, record.credential), (BootstrapResult::UnderWay, Some(id)));
    assert_eq!(world.timeline(session.prepared().device)[0], "bootstrap began");
    let audited = world.audit();
    let made = audited.iter().find(|entry| entry.cause == Cause::Device).unwrap();
    assert_eq!((made.actor.as_str(), made.verb), ("node-7", Verb::AddCredential));
    assert_eq!(world.followed(), 2, "the hot state knows of the device and of the credential");
}

#[test]
fn a_credential_that_waits_for_its_proof_is_given_again_and_one_that_is_proved_is_replaced() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let account = |session: &Session| psk(session.prepared().account.credential.clone().unwrap());
    let first = account(&world.begin("node-7", Some(enrolled.clone())).unwrap());
    assert_eq!(account(&world.begin("node-7", Some(enrolled.clone())).unwrap()), first);
    world.open(Purpose::Management, &first.1).unwrap();
    let second = account(&world.begin("node-7", Some(enrolled)).unwrap());
    assert_ne!(second.1, first.1);
    // The old one is good until the new one has proved itself.
    world.open(Purpose::Management, &first.1).unwrap();
    world.open(Purpose::Management, &second.1).unwrap();
    assert_eq!(world.open(Purpose::Management, &first.1), Err(DiaryCause::CredentialReplaced));
}

#[test]
fn the_name_may_be_left_to_the_identity_and_is_never_another_one() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let session = world.begin("", Some(enrolled.clone())).unwrap();
    assert_eq!(session.prepared().endpoint.as_str(), "node-7");
    assert_eq!(world.begin("node-8", Some(enrolled)).unwrap_err(), Refusal::EndpointNotIdentity);
    assert_eq!(world.diary(), [(DiaryCause::EndpointNotIdentity, "node-7".to_owned())]);
}

#[test]
fn a_management_credential_opens_no_bootstrap() {
    let world = World::new();
    let mut enrolled = world.add("node-7");
    enrolled.credential.purpose = Purpose::Management;
    let refused = world.begin("node-7", Some(enrolled)).unwrap_err();
    assert_eq!(refused, Refusal::WrongPurpose { purpose: Purpose::Management });
    assert_eq!(world.diary()[0].0, DiaryCause::ManagementCredentialAtBootstrap);
}

#[test]
fn a_removed_device_comes_back_by_a_new_enrolment_only() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let removal = Removal { keep_data: true, reason: "scrapped".into() };
    block_on(world.fleet.remove_device(&world.context(), world.public_id("node-7"), removal)).unwrap();
    assert_eq!(world.begin("node-7", Some(enrolled)).unwrap_err(), Refusal::Removed);
    assert_eq!(world.begin("node-7", None).unwrap_err(), Refusal::Removed);
    assert_eq!(world.diary()[0].0, DiaryCause::DeviceRemoved);
}

#[test]
fn without_security_only_the_lab_serves_and_only_endpoints_without_a_credential() {
    let world = World::new();
    let session = world.begin("stranger", None).unwrap();
    assert_eq!(session.prepared().account.credential, None);
    assert_eq!(session.prepared().account.uri, "coap://muster.example.com:5683");
    assert_eq!(world.timeline(session.prepared().device).last().unwrap(), "enrolled itself in the lab");
    // Known by now.
    let again = world.begin("stranger", None).unwrap();
    assert_eq!(again.prepared().device, session.prepared().device);

    world.add("node-7");
    assert_eq!(world.begin("node-7", None).unwrap_err(), Refusal::Secured);
    assert_eq!(world.begin("", None).unwrap_err(), Refusal::Malformed(Malformed::MissingEndpoint));
    let mut production = World::new();
    production.settings.lab = false;
    assert_eq!(production.begin("stranger", None).unwrap_err(), Refusal::Forbidden);
    assert_eq!(production.diary()[0].0, DiaryCause::NotEnrolled);
    assert_eq!(
        world.diary().into_iter().map(|(cause, _)| cause).collect::<Vec<_>>(),
        [DiaryCause::MissingEndpoint, DiaryCause::SecuredEndpointWithoutSecurity]
    );
}

#[test]
fn who_is_revoked_at_the_same_moment_gets_nothing_that_opens() {
    // While the session is under way.
    let world = World::new();
    let enrolled = world.add("node-7");
    let asked = world.asked("node-7", Some(&enrolled));
    let mut session = world.begin("node-7", Some(enrolled.clone())).unwrap();
    let given = psk(session.prepared().account.credential.clone().unwrap());
    world.revoke(enrolled.credential.id);
    session.abandon(START, None, "the connection ended before the bootstrap had");
    block_on(world.fleet.end_bootstrap(&session, &asked)).unwrap();
    assert_eq!(world.open(Purpose::Management, &given.1), Err(DiaryCause::CredentialRevoked));
    // Before it.
    assert_eq!(world.begin("node-7", Some(enrolled)).unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.diary(), [(DiaryCause::CredentialRevoked, "node-7".to_owned())]);
    // Within the commit that begins it.
    let world = World::new();
    let enrolled = world.add("node-7");
    world.revoke_when_followed(enrolled.credential.id);
    assert_eq!(world.begin("node-7", Some(enrolled)).unwrap_err(), Refusal::Forbidden);
    let held = block_on(world.store.credentials(world.device("node-7"))).unwrap();
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|credential| !credential.state.opens()), "{held:?}");
    let record = &block_on(world.store.bootstraps(world.device("node-7"))).unwrap()[0];
    assert_eq!(
        (record.result, record.reason.as_str()),
        (BootstrapResult::Failed, "its credential was revoked")
    );
}

#[test]
fn a_claim_enrols_each_device_once_within_its_quota_and_window() {
    let world = World::new();
    let claim = world.claim(2);
    let session = world.begin("batch-1", Some(claim.clone())).unwrap();
    let own = session.prepared().own_bootstrap.clone().unwrap();
    assert_eq!(own.uri, "coaps://muster.example.com:5784");
    let (row, _) = block_on(world.store.credential_row(own.credential.id)).unwrap().unwrap();
    assert_eq!((row.state, row.purpose), (CredentialState::Staged, Purpose::Bootstrap));
    assert_eq!(row.parent, Some(claim.credential.id));
    assert_eq!(world.claims()[0].used, 1);
    world.finish(session);

    // A second claim of the same serial waits for an administrator.
    assert_eq!(world.begin("batch-1", Some(claim.clone())).unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.diary(), [(DiaryCause::SecondClaim, "batch-1".to_owned())]);
    let entry = world.diary_ids()[0];
    block_on(world.fleet.approve_claim(&world.context(), entry)).unwrap();
    world.finish(world.begin("batch-1", Some(claim.clone())).unwrap());
    assert_eq!(world.claims()[0].used, 1, "an approval uses nothing of the quota");
    assert_eq!(
        world.begin("batch-1", Some(claim.clone())).unwrap_err(),
        Refusal::Forbidden,
        "and is used up"
    );

    world.finish(world.begin("batch-2", Some(claim.clone())).unwrap());
    assert_eq!(world.begin("batch-3", Some(claim.clone())).unwrap_err(), Refusal::Forbidden);
    assert!(world.diary().contains(&(DiaryCause::QuotaUsedUp, "batch-3".to_owned())));
    assert_eq!(
        world.begin("", Some(claim.clone())).unwrap_err(),
        Refusal::Malformed(Malformed::MissingEndpoint)
    );
    world.wait(world::WINDOW);
    assert_eq!(world.begin("batch-4", Some(claim)).unwrap_err(), Refusal::Forbidden);
    assert!(world.diary().contains(&(DiaryCause::ClaimWindowClosed, "batch-4".to_owned())));
}

#[test]
fn a_claim_takes_no_device_over_that_has_a_credential_of_its_own() {
    let world = World::new();
    let claim = world.claim(9);
    world.add("node-7");
    assert_eq!(world.begin("node-7", Some(claim.clone())).unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.diary(), [(DiaryCause::SecondClaim, "node-7".to_owned())]);
    // One that was added without is awaited.
    let session = world.begin("stranger", None).unwrap();
    let claimed = world.begin("stranger", Some(claim)).unwrap();
    assert_eq!(claimed.prepared().device, session.prepared().device);
}

#[test]
fn the_plan_is_that_of_the_device_else_of_its_class_else_the_default() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let device = world.device("node-7");
    let lifetime = || world.begin("", Some(enrolled.clone())).unwrap().prepared().plan.lifetime;
    assert_eq!(lifetime(), 86_400);
    let save = |scope, lifetime| {
        let plan = Some(Plan { lifetime, ..Plan::default() });
        block_on(world.fleet.save_plan(&world.context(), scope, plan)).unwrap();
    };
    save(PlanScope::Class(ClassId::DEFAULT), 600);
    assert_eq!(lifetime(), 600);
    save(PlanScope::Device(device), 60);
    assert_eq!(lifetime(), 60);
}

#[test]
fn a_plan_that_cannot_be_sent_is_noted_and_nothing_is_made() {
    let mut world = World::new();
    let enrolled = world.add("node-7");
    let device = world.device("node-7");
    // The owner is a server that is not there: only known when the account is.
    let writes = vec![("/2/0/3".parse().unwrap(), Value::Integer(9))];
    let plan = Some(Box::new(Plan { writes, ..Plan::default() }));
    let saved = Change::PlanSaved { scope: PlanScope::Device(device), plan };
    block_on(world.store.commit(Commit { changes: vec![saved], audit: vec![] })).unwrap();
    assert_eq!(world.begin("", Some(enrolled.clone())).unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.diary(), [(DiaryCause::NoBootstrapPlan, "node-7".to_owned())]);
    assert_eq!(block_on(world.store.credentials(device)).unwrap().len(), 1);
    world.settings.uri = None;
    assert_eq!(world.begin("", Some(enrolled)).unwrap_err(), Refusal::Forbidden);
}

#[test]
fn a_store_that_takes_nothing_lets_nobody_begin_and_blames_no_device() {
    let world = World::new();
    let enrolled = world.add("node-7");
    world.store.set_full(true);
    assert_eq!(world.begin("", Some(enrolled.clone())).unwrap_err(), Refusal::StoreUnavailable);
    world.store.set_full(false);
    assert_eq!(world.diary(), []);
    assert_eq!(block_on(world.store.credentials(world.device("node-7"))).unwrap().len(), 1);
    assert!(world.begin("", Some(enrolled)).is_ok());
}

#[test]
fn the_end_of_a_session_stands_in_the_record_the_timeline_and_the_diary() {
    let world = World::new();
    let enrolled = world.add("node-7");
    let asked = world.asked("node-7", Some(&enrolled));
    let mut session = world.begin("node-7", Some(enrolled)).unwrap();
    world.finish(session);
    assert_eq!(world.timeline(world.device("node-7"))[0], "bootstrap finished");
    // It is waited for.
    world.wait(fleet::Bootstrapped::PATIENCE);
    assert_eq!(world.diary(), [(DiaryCause::NeverRegisteredAfterBootstrap, "node-7".to_owned())]);

    session = block_on(world.fleet.begin_bootstrap(&asked, &world.settings)).unwrap();
    session.next(START);
    session.answered(START, StepAnswer::Silent);
    block_on(world.fleet.end_bootstrap(&session, &asked)).unwrap();
    let record = block_on(world.store.bootstrap(session.prepared().id)).unwrap().unwrap();
    assert_eq!((record.result, &record.steps), (BootstrapResult::Failed, &session.record().steps));
    assert!(
        world.timeline(record.device)[0]
            .starts_with("bootstrap failed: the device did not answer Discover /")
    );
    assert!(world.diary().contains(&(DiaryCause::BootstrapTimedOut, "node-7".to_owned())));
}

#[test]
fn a_device_has_a_credential_that_works_at_every_crash_point() {
    for (fresh, claimed) in [(true, false), (false, false), (true, true)] {
        let mut steps = 0;
        loop {
            let cuts = [Cut::BeforeTheDevice(steps), Cut::AfterTheDevice(steps), Cut::Server(steps)];
            let ran = cuts.map(|cut| walk::survive(fresh, claimed, cut));
            if ran == [false; 3] {
                break;
            }
            steps += 1;
        }
        assert!(steps >= 4, "each step was cut off");
    }
}
