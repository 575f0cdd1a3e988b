//! Who may do what: every verb with a context, for every role.

use super::{
    artefacts,
    claims::{add_claim, new_claim},
    credentials::live,
    enrol::{add, endpoint, new},
    groups,
    issuer::Factory,
    *,
};
use crate::{
    BootstrapId, BootstrapRecord, BootstrapResult, ClassPolicy, ClassRule, DiaryCause, DiaryId, DiaryNote,
    GivenPsk, ImportFormat, Incident, PlanScope, Purpose, Removal, Retention, UpdatePolicy,
    configuration::{
        ConfigurationChange, Configured, Draft, Level, LevelName, Line, LineKey, Standing, Want,
    },
    store::{ConfigurationQuery, DiaryQuery, WaitingQuery},
};

/// Calls a verb so that it succeeds unless the actor may not.
type Call = fn(&Bench, &Context) -> Result<(), FleetError>;

macro_rules! verbs {
    ($($permission:ident $name:literal => |$bench:ident, $context:ident| $call:expr;)*) => {
        const VERBS: &[(&str, Permission, Call)] =
            &[$(($name, Permission::$permission, |$bench, $context| block_on($call).map(drop))),*];
    };
}

verbs! {
    View "overview" => |bench, context| bench.fleet.overview(context);
    View "devices" => |bench, context| bench.fleet.devices(context, &devices());
    View "device" => |bench, context| bench.fleet.device(context, public_id(1));
    View "device by endpoint" => |bench, context| bench.fleet.device_by_endpoint(context, &endpoint("node-1"));
    View "device by identity" => |bench, context| {
        let identity = live(bench, 1)[0].identity.clone();
        async move { bench.fleet.device_by_identity(context, &identity).await }
    };
    View "history" => |bench, context| bench.fleet.history(context, public_id(1), path("/3/0/9"), 10);
    View "baselines" => |bench, context| bench.fleet.baselines(context);
    View "baseline" => |bench, context| bench.fleet.baseline(context, &LevelName::Fleet, None);
    View "baseline versions" => |bench, context|
        bench.fleet.baseline_versions(context, &LevelName::Fleet, &page());
    View "level" => |bench, context| bench.fleet.level_name(context, &LevelName::Fleet);
    View "read baseline" => |bench, context|
        bench.fleet.read_baseline(context, &LevelName::Fleet, "/1/0/1 = 60");
    View "dry run" => |bench, context|
        bench.fleet.dry_run(context, &LevelName::Fleet, Draft::default(), &PageRequest::first(9));
    View "configuration" => |bench, context| bench.fleet.configuration(context, public_id(1));
    View "configurations" => |bench, context|
        bench.fleet.configurations(context, &ConfigurationQuery { state: None, page: page() });
    Operate "repair configuration" => |bench, context| {
        configured(bench);
        bench.fleet.repair_configuration(context, public_id(1), None)
    };
    Operate "resume configuration" => |bench, context| {
        configured(bench);
        bench.fleet.resume_configuration(context, public_id(1), None)
    };
    Administer "set baseline" => |bench, context|
        bench.fleet.set_baseline(context, &LevelName::Fleet, Draft::default(), None);
    Administer "roll back baseline" => |bench, context| async move {
        let admin = self::context(Role::Administrator);
        bench.fleet.set_baseline(&admin, &LevelName::Fleet, Draft::default(), None).await?;
        bench.fleet.roll_back_baseline(context, &LevelName::Fleet, 1, None, String::new()).await
    };
    Administer "accept configuration" => |bench, context| {
        configured(bench);
        bench.fleet.accept_configuration(context, public_id(1), &[], None)
    };
    View "timeline" => |bench, context| bench.fleet.timeline(context, public_id(1), &page());
    View "operations" => |bench, context| bench.fleet.operations(context, public_id(1), &page());
    View "operation" => |bench, context| bench.fleet.operation(context, public_id(1), queued(bench));
    View "subscribe" => |bench, context| bench.fleet.subscribe(context);
    View "export" => |bench, context| bench.fleet.export(context, "devices");
    View "credentials" => |bench, context| bench.fleet.credentials(context, public_id(1));
    View "seen certificates" => |bench, context| bench.fleet.seen_certificates(context, public_id(1));
    View "server keys" => |bench, context| bench.fleet.server_keys(context);
    View "authorities" => |bench, context| bench.fleet.authorities(context);
    Administer "add authority" => |bench, context| async move {
        let certificate = Factory::new("factory").certificate();
        bench.fleet.add_authority(context, "factory", &certificate).await
    };
    Administer "remove authority" => |bench, context| {
        let authority = Factory::new("factory").trusted(bench);
        bench.fleet.remove_authority(context, authority.public_id)
    };
    Administer "set revocation list" => |bench, context| {
        let factory = Factory::new("factory");
        let (authority, list) = (factory.trusted(bench), factory.revocation_list(1, &[]));
        async move { bench.fleet.set_revocation_list(context, authority.public_id, &list).await }
    };
    View "artefacts" => |bench, context| bench.fleet.artefacts(context, &page());
    View "artefact" => |bench, context| bench.fleet.artefact(context, artefacts::uploaded(bench));
    View "devices of an artefact" => |bench, context|
        bench.fleet.artefact_runs(context, artefacts::uploaded(bench), None, 10);
    Operate "upload artefact" => |bench, context| bench.fleet.begin_upload(context);
    Operate "withdraw artefact" => |bench, context|
        bench.fleet.withdraw_artefact(context, artefacts::uploaded(bench));
    Operate "remove artefact" => |bench, context|
        bench.fleet.remove_artefact(context, artefacts::withdrawn(bench));
    Operate "download artefact" => |bench, context|
        bench.fleet.download_artefact(context, artefacts::uploaded(bench));
    View "update policy" => |bench, context| bench.fleet.update_policy(context, ClassId::DEFAULT);
    Administer "set update policy" => |bench, context|
        bench.fleet.set_update_policy(context, UpdatePolicy::new(ClassId::DEFAULT));
    Administer "add update key" => |bench, context| async move {
        let public_key = crate::artefact::kit::Signer::p256().public_key();
        bench.fleet.add_update_key(context, ClassId::DEFAULT, "build", &public_key).await
    };
    Administer "revoke update key" => |bench, context|
        bench.fleet.revoke_update_key(context, ClassId::DEFAULT, artefacts::key(bench).id);
    Administer "set class policy" => |bench, context| {
        bench.fleet.set_class_policy(context, ClassId::DEFAULT, ClassPolicy::default())
    };
    Administer "set class retention" => |bench, context| {
        bench.fleet.set_class_retention(context, ClassId::DEFAULT, Retention::default())
    };
    View "class wishes" => |bench, context| bench.fleet.class_wishes(context, ClassId::DEFAULT);
    Administer "set class wishes" => |bench, context| bench.fleet.set_class_wishes(context, ClassId::DEFAULT, "/3/0/9");
    View "waiting" => |bench, context| bench.fleet.waiting(context, &WaitingQuery::all(page()));
    Operate "cancel waiting" => |bench, context| bench.fleet.cancel_waiting(context, public_id(1));
    View "awake time" => |bench, context| bench.fleet.awake_time(context, public_id(1));
    Operate "set awake time" => |bench, context| bench.fleet.set_awake_time(context, public_id(1), None);
    View "class awake time" => |bench, context| bench.fleet.class_awake_time(context, ClassId::DEFAULT);
    Administer "set class awake time" => |bench, context|
        bench.fleet.set_class_awake_time(context, ClassId::DEFAULT, None);
    View "device wishes" => |bench, context| bench.fleet.device_wishes(context, public_id(1));
    View "groups" => |bench, context| bench.fleet.groups(context);
    View "group" => |bench, context| bench.fleet.group(context, groups::group(bench, "class == 'a'"));
    Administer "save group" => |bench, context| bench.fleet.save_group(context, None, groups::new("a", "secured"));
    Administer "remove group" => |bench, context| bench.fleet.remove_group(context, groups::group(bench, "secured"));
    View "preview rule" => |bench, context| bench.fleet.preview_rule(context, None, "secured");
    View "class rule" => |bench, context| bench.fleet.class_rule(context, ClassId::DEFAULT);
    Administer "set class rule" => |bench, context| bench.fleet.set_class_rule(context, ClassId::DEFAULT, ClassRule::default());
    View "contested" => |bench, context| bench.fleet.contested(context, ClassId::DEFAULT, 9);
    View "labels" => |bench, context| bench.fleet.labels(context, public_id(1));
    View "labels of devices" => |bench, context| bench.fleet.labels_of(context, &[DeviceId(1)]);
    View "class size" => |bench, context| bench.fleet.class_size(context, ClassId::DEFAULT);
    Administer "set labels" => |bench, context| bench.fleet.set_labels(context, public_id(1), Labels::default());
    Administer "label devices" => |bench, context| async move {
        bench.fleet.label_devices(context, &[public_id(1)], &Labels::default(), &[]).await
    };
    Administer "claims" => |bench, context| bench.fleet.claims(context, &page());
    View "classes" => |bench, context| bench.fleet.classes(context);
    View "plan" => |bench, context| bench.fleet.plan(context, PlanScope::Device(DeviceId(1)));
    View "effective plan" => |bench, context| bench.fleet.effective_plan(context, public_id(1));
    View "bootstraps" => |bench, context| bench.fleet.bootstraps(context, public_id(1));
    View "bootstrap record" => |bench, context| bench.fleet.bootstrap_record(context, public_id(1), bootstrap(bench));
    View "diary" => |bench, context| bench.fleet.diary(context, &DiaryQuery::all(page()));
    View "diary entry" => |bench, context| bench.fleet.diary_entry(context, noted(bench));
    View "models" => |bench, context| bench.fleet.models(context);
    View "logged events" => |bench, context| bench.fleet.logged_events(context, 0, 10);
    View "event range" => |bench, context| bench.fleet.event_range(context);
    Administer "webhooks" => |bench, context| bench.fleet.webhooks(context);
    View "tokens" => |bench, context| bench.fleet.tokens(context);
    View "add token" => |bench, context| bench.fleet.add_token(context, "ci", Role::Viewer, None);
    View "revoke token" => |bench, context| async move {
        let (token, _) = bench.fleet.add_token(context, "ci", Role::Viewer, None).await?;
        bench.fleet.revoke_token(context, token.public_id).await
    };
    Operate "operate" => |bench, context| bench.fleet.operate(context, public_id(1), write(), None);
    Operate "cancel operation" => |bench, context| bench.fleet.cancel_operation(context, public_id(1), queued(bench));
    Operate "trigger bootstrap" => |bench, context| bench.fleet.trigger_bootstrap(context, public_id(1));
    Operate "clear diary" => |bench, context| bench.fleet.clear_diary(context, noted(bench));
    Administer "audit" => |bench, context| bench.fleet.audit(context, &AuditQuery::all(page()));
    Administer "add device" => |bench, context| bench.fleet.add_device(context, new("sensor"));
    Administer "classify device" => |bench, context|
        bench.fleet.classify_device(context, public_id(1), ClassId::DEFAULT);
    Administer "remove device" => |bench, context| bench.fleet.remove_device(context, public_id(1), removal());
    Administer "remove devices" => |bench, context|
        bench.fleet.remove_devices(context, vec![public_id(1)], removal());
    Administer "import" => |bench, context| bench.fleet.import(context, ImportFormat::JsonLines, b"", true);
    Administer "add credential" => |bench, context|
        bench.fleet.add_credential(context, public_id(1), Purpose::Bootstrap, GivenPsk::default());
    Administer "rotate credential" => |bench, context|
        bench.fleet.rotate_credential(context, public_id(1), live(bench, 1)[0].public_id);
    Administer "revoke credential" => |bench, context|
        bench.fleet.revoke_credential(context, public_id(1), live(bench, 1)[0].public_id, "lost");
    Administer "revoke device" => |bench, context| {
        live(bench, 1);
        bench.fleet.revoke_device(context, public_id(1), "lost")
    };
    Administer "add claim" => |bench, context| bench.fleet.add_claim(context, new_claim("batch"));
    Administer "close claim" => |bench, context|
        bench.fleet.close_claim(context, add_claim(bench, new_claim("batch")).0.public_id);
    Administer "approve claim" => |bench, context| bench.fleet.approve_claim(context, second_claim(bench));
    Administer "add class" => |bench, context| bench.fleet.add_class(context, "meters");
    Administer "save plan" => |bench, context| bench.fleet.save_plan(context, PlanScope::Device(DeviceId(1)), None);
    Administer "upload model" => |bench, context| bench.fleet.upload_model(context, MODEL);
    Administer "remove model" => |bench, context| async move {
        let admin = self::context(Role::Administrator);
        bench.fleet.upload_model(&admin, MODEL).await?;
        bench.fleet.remove_model(context, ObjectId(9_999), Version::V1_0).await
    };
    Administer "reload models" => |bench, context| bench.fleet.reload_models(context);
    Administer "add webhook" => |bench, context| bench.fleet.add_webhook(context, "https://example.com/", vec![]);
    Administer "pause webhook" => |bench, context| bench.fleet.pause_webhook(context, webhook(bench), true);
    Administer "remove webhook" => |bench, context| bench.fleet.remove_webhook(context, webhook(bench));
    Administer "users" => |bench, context| bench.fleet.users(context);
    Administer "add user" => |bench, context| bench.fleet.add_user(context, "x", Role::Viewer, hash());
    Administer "change role" => |bench, context| bench.fleet.change_role(context, public_id(101), Role::Operator);
    Administer "disable user" => |bench, context| bench.fleet.disable_user(context, public_id(101), true);
    Administer "set password" => |bench, context| bench.fleet.set_password(context, public_id(101), hash());
}

/// The first device is to have another battery level than it has.
fn configured(bench: &Bench) {
    let line = Line { path: path("/3/0/9"), want: Want::Value(Value::Integer(1)) };
    let draft = Draft { lines: vec![line], ..Draft::default() };
    let (level, by, at) = (Level::Device(DeviceId(1)), "ada".to_owned(), START);
    let baseline = crate::configuration::Baseline { level, version: 1, draft, rolls_back_to: None, by, at };
    let desired = crate::configuration::Desired::merge([crate::configuration::Layer {
        baseline: &baseline,
        name: "node-1",
        rank: 0,
    }]);
    let mut row = Configured::new(DeviceId(1), public_id(1), START).aimed(&desired, START).unwrap();
    let key = LineKey { path: path("/3/0/9"), attributes: false };
    assert_eq!(row.lines[0].key, key);
    row.lines[0].standing = Standing::Out;
    let reading = crate::Reading { path: path("/3/0/9"), value: Value::Integer(7), device_time: None };
    bench.commit(vec![
        Change::Configuration(ConfigurationChange::BaselineSaved(Box::new(baseline))),
        Change::Configuration(ConfigurationChange::Saved(Box::new(row))),
        Change::Report { device: DeviceId(1), received_at: START, delivery: None, readings: vec![reading] },
    ]);
}

/// Where verbs are.
const SOURCES: [&str; 25] = [
    include_str!("../../fleet.rs"),
    include_str!("../accounts.rs"),
    include_str!("../artefacts.rs"),
    include_str!("../authorities.rs"),
    include_str!("../class_policy.rs"),
    include_str!("../baselines.rs"),
    include_str!("../claims.rs"),
    include_str!("../configurations.rs"),
    include_str!("../credentials.rs"),
    include_str!("../diary.rs"),
    include_str!("../enrol.rs"),
    include_str!("../events.rs"),
    include_str!("../import.rs"),
    include_str!("../groups.rs"),
    include_str!("../labels.rs"),
    include_str!("../models.rs"),
    include_str!("../operate.rs"),
    include_str!("../people.rs"),
    include_str!("../plans.rs"),
    include_str!("../queues.rs"),
    include_str!("../search.rs"),
    include_str!("../tokens.rs"),
    include_str!("../update_policy.rs"),
    include_str!("../webhooks.rs"),
    include_str!("../wishes.rs"),
];

#[test]
fn every_verb_asks_for_its_permission() {
    for role in Role::ALL {
        for (verb, permission, call) in VERBS {
            let bench = with_users();
            let expected = match (role, permission) {
                (Role::Viewer, Permission::View)
                | (Role::Operator, Permission::View | Permission::Operate) => true,
                (Role::Viewer | Role::Operator, _) => false,
                (Role::Administrator, _) => true,
            };
            let done = call(&bench, &context(role));
            assert_eq!(done.is_ok(), expected, "{verb} as {role:?}: {done:?}");
            assert_eq!(matches!(done, Err(FleetError::Forbidden)), !expected, "{verb} as {role:?}");
            if !expected {
                block_on(bench.fleet.flush_audit()).unwrap();
                let line = format!("denied · {} · {verb}", role.name());
                assert!(bench.audit().contains(&line), "{verb} as {role:?} is written down");
            }
        }
    }
}

#[test]
fn a_token_may_what_its_role_may() {
    for role in Role::ALL {
        for (verb, permission, call) in VERBS {
            let bench = with_users();
            let actor = Actor::Token { owner: UserId(3), name: "administrator/ci".into(), role };
            let by_token = Context { actor, ..context(role) };
            let done = call(&bench, &by_token);
            assert_eq!(done.is_ok(), by_token.actor.may(*permission), "{verb} as {role:?}: {done:?}");
        }
    }
}

#[test]
fn the_table_holds_every_verb() {
    let mut demanded: Vec<String> = Vec::new();
    for source in SOURCES {
        for call in source.split("self.demand(context, Permission::").skip(1) {
            let (permission, rest) = call.split_once(", \"").unwrap();
            let (name, _) = rest.split_once('"').unwrap();
            demanded.push(format!("{permission} {name}"));
        }
    }
    demanded.sort();
    demanded.dedup();
    let mut listed: Vec<String> =
        VERBS.iter().map(|(name, permission, _)| format!("{permission:?} {name}")).collect();
    listed.sort();
    assert_eq!(demanded, listed);
}

#[test]
fn what_is_refused_leaves_nothing_but_a_line_in_the_audit_log() {
    let bench = Bench::new();
    let refused = bench.operate(Role::Viewer, write());
    assert!(matches!(refused, Err(FleetError::Forbidden)));
    let query = AuditQuery::all(page());
    assert!(matches!(
        block_on(bench.fleet.audit(&context(Role::Operator), &query)),
        Err(FleetError::Forbidden)
    ));
    assert!(bench.orders().is_empty());
    block_on(bench.fleet.flush_audit()).unwrap();
    let expected = ["denied · viewer · operate", "denied · operator · audit"];
    assert_eq!(bench.audit(), expected);
}

#[test]
fn the_server_itself_may_do_everything_but_own_a_token() {
    for (verb, _, call) in VERBS {
        let server = Context { actor: Actor::Server("test"), ..context(Role::Viewer) };
        let done = call(&with_users(), &server);
        let owns = matches!(*verb, "add token" | "revoke token");
        assert_eq!(done.is_err(), owns, "{verb}: {done:?}");
    }
}

#[test]
fn a_device_that_is_not_there_is_not_found() {
    let bench = Bench::new();
    let context = context(Role::Administrator);
    let nobody = public_id(99);
    let page = PageRequest::first(10);
    let fleet = &bench.fleet;
    let errors = [
        block_on(fleet.device(&context, nobody)).unwrap_err(),
        block_on(fleet.device_by_endpoint(&context, &endpoint("nobody"))).unwrap_err(),
        block_on(fleet.history(&context, nobody, path("/3/0/9"), 1)).unwrap_err(),
        block_on(fleet.timeline(&context, nobody, &page)).unwrap_err(),
        block_on(fleet.operations(&context, nobody, &page)).unwrap_err(),
        block_on(fleet.operate(&context, nobody, read(), None)).unwrap_err(),
        block_on(fleet.cancel_operation(&context, nobody, OperationId::new(START, [0; 10]))).unwrap_err(),
        block_on(fleet.credentials(&context, nobody)).unwrap_err(),
        block_on(fleet.revoke_device(&context, nobody, "lost")).unwrap_err(),
        block_on(fleet.remove_device(&context, nobody, removal())).unwrap_err(),
        block_on(fleet.bootstraps(&context, nobody)).unwrap_err(),
        block_on(fleet.effective_plan(&context, nobody)).unwrap_err(),
        block_on(fleet.trigger_bootstrap(&context, nobody)).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, FleetError::NotFound("device"))), "{errors:?}");
}

const MODEL: &str = "<LWM2M><Object ObjectType=\"MODefinition\"><Name>Ours</Name><ObjectID>9999</ObjectID>\
    <ObjectURN>urn:oma:lwm2m:x:9999</ObjectURN><MultipleInstances>Single</MultipleInstances>\
    <Mandatory>Optional</Mandatory><Resources></Resources></Object></LWM2M>";

fn page() -> PageRequest {
    PageRequest::first(10)
}

fn devices() -> DeviceQuery {
    DeviceQuery::all(page())
}

fn removal() -> Removal {
    Removal { keep_data: true, reason: "sold".into() }
}

fn queued(bench: &Bench) -> OperationId {
    bench.answer(Taken::Queued);
    bench.operate(Role::Administrator, write()).unwrap().id
}

fn bootstrap(bench: &Bench) -> BootstrapId {
    let id = BootstrapId::new(START, [1; 10]);
    bench.commit(vec![Change::BootstrapSaved(Box::new(BootstrapRecord {
        id,
        device: DeviceId(1),
        request: request(),
        started_at: START,
        ended_at: None,
        result: BootstrapResult::UnderWay,
        reason: String::new(),
        credential: None,
        steps: vec![],
        repairs: vec![],
    }))]);
    id
}

fn note(bench: &Bench, cause: DiaryCause, device: DeviceId) -> DiaryId {
    let id = DiaryId::from_random([7; 16]);
    let last = Incident {
        at: START,
        cause,
        subject: "sensor".into(),
        from: "192.0.2.1:5000".parse().unwrap(),
        listener: "coaps".into(),
        device: Some(device),
        detail: String::new(),
    };
    bench.commit(vec![Change::DiaryNoted(Box::new(DiaryNote { first_at: START, count: 1, last, id }))]);
    id
}

fn noted(bench: &Bench) -> DiaryId {
    note(bench, DiaryCause::UnknownIdentity, DeviceId(1))
}

fn second_claim(bench: &Bench) -> DiaryId {
    let (claim, device) =
        (add_claim(bench, new_claim("batch")).0.id, add(bench, "sensor").unwrap().device.id);
    let endpoint = endpoint("sensor");
    bench.commit(vec![Change::ClaimUsed(crate::Claimed {
        claim,
        device,
        endpoint,
        at: START,
        again_until: None,
    })]);
    note(bench, DiaryCause::SecondClaim, device)
}

fn webhook(bench: &Bench) -> PublicId {
    let admin = context(Role::Administrator);
    block_on(bench.fleet.add_webhook(&admin, "https://example.com/", vec![])).unwrap().0.public_id
}
