use std::collections::BTreeMap;

use device::{Account, BootstrapAccount, Factory, Faults, How, Misbehaviour, Operation, Profile};
use fleet::{BootstrapResult, CredentialState, Purpose, Shown, Store};
use futures::executor::block_on;
use objects::{ContentFormat, InstanceId, Version};

use super::*;

mod repair;
pub(crate) mod world;

use world::{BOOTSTRAP, PLAIN_BOOTSTRAP, World, source};

#[test]
fn a_device_is_bootstrapped_and_comes_back_with_the_credential_it_was_given() {
    for lwm2m in [Version::V1_0, Version::V1_1] {
        for instance in [0, 1, 3] {
            let mut world = World::new();
            let shown = world.enrol("node-7");
            world.start(secured("node-7", lwm2m, &shown, instance));
            assert!(world.run_until(secs(60), registered), "{lwm2m} {instance}: {:?}", world.ended);
            assert_eq!(world.record().result, BootstrapResult::Finished);
            let identity = world.devices[0].managed[0].unwrap();
            assert_eq!(Some(identity.credential), world.record().credential);
            let (row, _) = block_on(world.store.credential_row(identity.credential)).unwrap().unwrap();
            assert_eq!((row.state, row.purpose), (CredentialState::Live, Purpose::Management));
        }
    }
}

#[test]
fn in_the_lab_a_device_without_security_is_bootstrapped_to_the_plain_port() {
    let mut world = World::new();
    world.start(plain("node-7"));
    assert!(world.run_until(secs(60), registered), "{:?}", world.ended);
    assert_eq!(world.devices[0].managed, [None]);
    let steps: Vec<&str> = world.record().steps.iter().map(|step| step.asked.as_str()).collect();
    assert_eq!(
        steps,
        ["Discover /", "Write /0/1 (SenML CBOR, 7 values)", "Write /1/0 (SenML CBOR, 4 values)", "Finish"]
    );
    let stored = block_on(world.store.bootstrap(world.record().id)).unwrap().unwrap();
    assert_eq!(stored, *world.record());
}

#[test]
fn a_device_that_leaves_its_name_to_its_identity_is_known_by_that() {
    let mut world = World::new();
    let shown = world.enrol("node-7");
    let mut profile = secured("node-7", Version::V1_1, &shown, 0);
    profile.names_itself = false;
    world.start(profile);
    assert!(world.run_until(secs(60), registered));
}

#[test]
fn a_device_is_bootstrapped_in_whatever_format_it_takes() {
    for format in
        [None, Some(ContentFormat::TLV), Some(ContentFormat::SENML_JSON), Some(ContentFormat(11_544))]
    {
        let mut world = World::new();
        let mut profile = plain("node-7");
        profile.preferred_bootstrap_format = format;
        world.start(profile);
        assert!(world.run_until(secs(60), registered), "{format:?}: {:?}", world.ended);
    }
}

#[test]
fn what_a_device_refuses_ends_its_session_with_the_reason() {
    for (operation, within, part) in [
        (Operation::BootstrapWrite, "/0", "refused the account at /0/1 with 4.05"),
        (Operation::BootstrapWrite, "/1", "refused the account at /1/0 with 4.05"),
        (Operation::BootstrapFinish, "/", "refused to finish with 4.05"),
    ] {
        let mut world = World::new();
        let mut profile = plain("node-7");
        let how = How::AnswerWith(coap::Code::METHOD_NOT_ALLOWED);
        profile.faults = misbehaving(operation, within, how);
        world.start(profile);
        assert!(world.run_until(secs(60), |world| !world.ended.is_empty()), "{within}");
        assert!(world.record().reason.contains(part), "{}", world.record().reason);
        assert_eq!(world.endpoint.under_way(), 0);
    }
}

#[test]
fn a_device_without_discover_is_bootstrapped_all_the_same() {
    let mut world = World::new();
    let mut profile = plain("node-7");
    let how = How::AnswerWith(coap::Code::METHOD_NOT_ALLOWED);
    profile.faults = misbehaving(Operation::BootstrapDiscover, "/", how);
    world.start(profile);
    assert!(world.run_until(secs(60), registered), "{:?}", world.ended);
}

#[test]
fn a_silent_device_is_given_up_before_the_exchange_lifetime_is_over() {
    for how in [How::Ignore, How::AcknowledgeOnly] {
        let mut world = World::new();
        let mut profile = plain("node-7");
        profile.faults = misbehaving(Operation::BootstrapWrite, "/1", how);
        world.start(profile);
        assert!(world.run_until(secs(247), |world| !world.ended.is_empty()), "{how:?}");
        assert!(world.record().reason.contains("did not answer Write /1/0"), "{}", world.record().reason);
    }
}

#[test]
fn loss_slows_a_bootstrap_down_and_does_not_stop_it() {
    let mut world = World::new();
    world.loses = 4;
    for number in 0..8 {
        let name = format!("node-{number}");
        let shown = world.enrol(&name);
        world.start(secured(&name, Version::V1_1, &shown, 0));
    }
    let all = |world: &World| world.devices.iter().all(|sim| !sim.managed.is_empty());
    assert!(world.run_until(secs(7_200), all), "{:?}", world.ended);
    assert!(world.devices.iter().all(|sim| sim.turned_away == 0), "no credential was ever refused");
}

#[test]
fn whenever_the_server_fails_a_device_has_a_credential_that_works() {
    for keeps_unfinished_bootstrap in [false, true] {
        for crash_after in 0..12 {
            let mut world = World::new();
            let shown = world.enrol("node-7");
            let mut profile = secured("node-7", Version::V1_1, &shown, 0);
            profile.faults.keeps_unfinished_bootstrap = keeps_unfinished_bootstrap;
            world.start(profile);
            world.crash_after = Some(crash_after);
            assert!(world.run_until(secs(7_200), registered), "{crash_after}: {:?}", world.ended);
            assert_eq!(world.devices[0].turned_away, 0, "{crash_after}");
        }
    }
}

#[test]
fn a_power_cut_at_any_step_leaves_a_device_that_can_come_in() {
    for keeps_unfinished_bootstrap in [false, true] {
        for (operation, within) in [
            (Operation::BootstrapWrite, "/0"),
            (Operation::BootstrapWrite, "/1"),
            (Operation::BootstrapFinish, "/"),
        ] {
            let mut world = World::new();
            let shown = world.enrol("node-7");
            let mut profile = secured("node-7", Version::V1_1, &shown, 0);
            profile.faults = misbehaving(operation, within, How::PowerCut(secs(5)));
            profile.faults.keeps_unfinished_bootstrap = keeps_unfinished_bootstrap;
            world.start(profile);
            world.run(secs(2));
            world.devices[0].device.faults_mut().misbehaviours.clear();
            assert!(world.run_until(secs(7_200), registered), "{within}: {:?}", world.ended);
            assert_eq!(world.devices[0].turned_away, 0);
        }
    }
}

#[test]
fn a_device_that_begins_anew_ends_its_first_session() {
    let mut world = World::new();
    let mut profile = plain("node-7");
    profile.faults = misbehaving(Operation::BootstrapWrite, "/0", How::Ignore);
    world.start(profile);
    world.run(secs(1));
    assert_eq!(world.endpoint.under_way(), 1);
    // From another address.
    world.start(plain("node-7"));
    assert!(world.run_until(secs(60), |world| !world.devices[1].managed.is_empty()));
    let reasons: Vec<&str> = world.ended.iter().map(|record| record.reason.as_str()).collect();
    assert_eq!(reasons, ["the device has begun anew", ""]);
}

#[test]
fn a_new_session_at_its_address_ends_the_bootstrap_there() {
    let (mut world, identity) = waiting();
    let other = Origin { source: source(0), identity: Some(identity) };
    world.endpoint.handle(world.moment(), Incoming::SessionBegan(other, SecureSessionId(99)));
    world.run(Duration::ZERO);
    assert_eq!(world.ended[0].reason, "the device has made a new connection");
}

#[test]
fn the_end_of_a_secure_session_ends_the_bootstrap_in_it() {
    let (mut world, _) = waiting();
    let session = world.devices[0].session.unwrap();
    for (ended, under_way) in [(SecureSessionId(99), 1), (session, 0)] {
        world.endpoint.handle(world.moment(), Incoming::SessionEnded(source(0), ended));
        assert_eq!(world.endpoint.under_way(), under_way);
    }
    world.run(Duration::ZERO);
    assert_eq!(world.ended[0].reason, "the connection ended before the bootstrap had");
}

#[test]
fn a_bootstrap_goes_on_where_its_session_goes() {
    let (mut world, _) = waiting();
    let session = world.devices[0].session.unwrap();
    let (from, to) = (source(0), source(9));
    world.endpoint.handle(world.moment(), Incoming::SessionMoved { session, from, to });
    assert_eq!((world.endpoint.under_way(), world.endpoint.at(from).len()), (1, 0));
    assert_eq!(world.endpoint.at(to).len(), 1);
    world.endpoint.handle(world.moment(), Incoming::SessionEnded(to, session));
    assert_eq!((world.endpoint.by_source.len(), world.endpoint.by_address.len()), (0, 0));
}

/// A world with a device that is being bootstrapped and does not answer, and who it has proved to be.
fn waiting() -> (World, fleet::Identity) {
    let mut world = World::new();
    let shown = world.enrol("node-7");
    let mut profile = secured("node-7", Version::V1_1, &shown, 0);
    profile.faults = misbehaving(Operation::BootstrapWrite, "/0", How::Ignore);
    world.start(profile);
    world.run(secs(1));
    let fleet::Credential { id: credential, holder, purpose, .. } = shown.credential;
    (world, fleet::Identity { credential, holder, purpose })
}

#[test]
fn what_is_no_bootstrap_request_is_answered_and_noted() {
    let mut world = World::new();
    let from = source(77);
    for (method, path, queries, code, noted) in [
        ("POST", "bs", &["ep="][..], "4.00", 1),
        ("GET", "bspack", &["ep=a"], "5.01", 1),
        ("POST", "rd", &["ep=a"], "4.04", 1),
        ("POST", "bs", &[], "4.00", 1),
    ] {
        let id = u16::try_from(world.sent.len()).unwrap();
        world.hand_in(from, &request(method, path, queries, id));
        let (to, bytes) = world.sent.last().unwrap();
        let answer = coap::Message::parse(bytes).unwrap();
        assert_eq!((*to, answer.code.to_string().as_str()), (from, code), "{method} {path}");
        assert_eq!(world.incidents.len(), noted, "{method} {path}");
    }
    assert_eq!(world.incidents[0].cause, DiaryCause::MalformedRegister);
}

#[test]
fn more_sessions_than_the_bounds_allow_are_put_off() {
    for bounds in [
        BootstrapBounds { sessions: 1, ..BootstrapBounds::default() },
        BootstrapBounds { sessions_per_address: 1, ..BootstrapBounds::default() },
    ] {
        let mut world = World::new();
        world.bound(bounds);
        let mut profile = plain("slow");
        profile.faults = misbehaving(Operation::BootstrapWrite, "/0", How::Ignore);
        world.start(profile);
        world.run(secs(1));
        world.hand_in(source(77), &request("POST", "bs", &["ep=b"], 1));
        let answer = coap::Message::parse(&world.sent[0].1).unwrap();
        assert_eq!(answer.code, coap::Code::SERVICE_UNAVAILABLE);
        // There is room again when the first one has ended; and who is there already may begin anew.
        world.run(secs(240));
        world.devices.clear();
        world.hand_in(source(77), &request("POST", "bs", &["ep=b"], 2));
        world.hand_in(source(77), &request("POST", "bs", &["ep=b"], 3));
        let codes: Vec<String> = world.sent.iter().map(|(_, bytes)| code(bytes)).collect();
        assert_eq!(codes.iter().filter(|code| *code == "2.04").count(), 2, "{codes:?}");
    }
}

#[test]
fn a_reset_of_the_first_step_is_taken_for_haste_and_a_later_one_for_a_refusal() {
    let mut world = World::new();
    let from = source(77);
    world.hand_in(from, &request("POST", "bs", &["ep=hasty"], 1));
    let first = coap::Message::parse(&world.sent[1].1).unwrap();
    assert_eq!(first.code.to_string(), "0.01");
    world.hand_in(from, &reset(first.id));
    assert_eq!(world.endpoint.under_way(), 1);
    world.run(secs(2));
    let again = coap::Message::parse(&world.sent[2].1).unwrap();
    assert_eq!(again.code.to_string(), "0.01");
    assert_ne!(again.id, first.id);
    world.run(secs(10));
    world.sent.clear();
    world.hand_in(from, &reset(again.id));
    assert!(world.record().reason.contains("reset Discover /"), "{}", world.record().reason);
}

#[test]
fn a_second_request_while_the_first_is_decided_on_meets_silence() {
    let mut endpoint = world_endpoint();
    let now = World::new().moment();
    let asks = |id| Incoming::Datagram(source(1), None, request("POST", "bs", &["ep=a"], id));
    endpoint.handle(now, asks(1));
    assert!(matches!(endpoint.poll_output(), Some(Output::Begin { .. })));
    endpoint.handle(now, asks(2));
    assert!(endpoint.poll_output().is_none());
}

#[test]
fn who_has_gone_before_the_answer_leaves_no_session() {
    let mut world = World::new();
    let mut endpoint = world_endpoint();
    let from = Origin::from(source(1));
    let asks = Incoming::Datagram(from.source, None, request("POST", "bs", &["ep=a"], 1));
    endpoint.handle(world.moment(), asks);
    let Some(Output::Begin { ticket, asked }) = endpoint.poll_output() else { panic!("it is asked for") };
    endpoint.handle(world.moment(), Incoming::SessionBegan(from, SecureSessionId(1)));
    world.settings.lab = true;
    let session = block_on(world.fleet.begin_bootstrap(&asked, &world.settings));
    endpoint.handle_begun(world.moment(), ticket, session);
    let Some(Output::Ended { session, .. }) = endpoint.poll_output() else { panic!("it has ended") };
    assert_eq!(session.record().result, BootstrapResult::Failed);
    assert_eq!((endpoint.under_way(), endpoint.by_source.len(), endpoint.by_address.len()), (0, 0, 0));
}

#[test]
fn nothing_is_left_when_all_is_over() {
    let mut world = World::new();
    for number in 0..5 {
        world.start(plain(&format!("node-{number}")));
    }
    world.run(secs(600));
    let endpoint = &world.endpoint;
    assert_eq!(world.ended.len(), 5);
    assert!(endpoint.by_device.is_empty() && endpoint.by_request.is_empty() && endpoint.beginning.is_empty());
    assert!(endpoint.by_source.is_empty() && endpoint.by_address.is_empty());
    let usage = endpoint.coap.usage();
    assert_eq!((usage.peers, usage.outgoing, usage.exchanges, usage.timers), (0, 0, 0, 0));
}

fn registered(world: &World) -> bool {
    world.devices.iter().all(|sim| sim.device.is_registered())
}

fn secured(name: &str, lwm2m: Version, shown: &Shown, instance: u16) -> Profile {
    let identity = shown.credential.identity.text();
    let account = Account::psk(BOOTSTRAP, &identity, shown.psk().unwrap().as_bytes());
    profile(name, lwm2m, account, instance)
}

fn plain(name: &str) -> Profile {
    profile(name, Version::V1_1, Account::no_sec(PLAIN_BOOTSTRAP), 0)
}

fn profile(name: &str, lwm2m: Version, account: Account, instance: u16) -> Profile {
    let mut profile = Profile::sensor(name, lwm2m);
    let bootstrap = BootstrapAccount { instance: InstanceId(instance), account, hold_off: Duration::ZERO };
    profile.factory = Factory { management: None, bootstrap: Some(bootstrap) };
    profile
}

fn misbehaving(operation: Operation, within: &str, how: How) -> Faults {
    let misbehaviour = Misbehaviour { operation, within: within.parse().unwrap(), how };
    Faults { misbehaviours: vec![misbehaviour], ..Faults::default() }
}

fn world_endpoint() -> BootstrapEndpoint {
    let coap = coap::Endpoint::new(coap::Config::default(), coap::Boot { number: 1, seed: [3; 32] });
    BootstrapEndpoint::new(World::new().moment(), coap, BootstrapBounds::default(), BTreeMap::new(), [1; 32])
}

fn request(method: &str, path: &str, queries: &[&str], id: u16) -> Vec<u8> {
    let code = match method {
        "GET" => coap::Method::Get,
        _ => coap::Method::Post,
    };
    let token = coap::Token::new(&id.to_be_bytes()).unwrap();
    let mut message =
        coap::Message::new(coap::Kind::Confirmable, coap::Code::from(code), coap::MessageId(id), token);
    message.options.push(coap::OptionNumber::URI_PATH, path.as_bytes());
    for query in queries {
        message.options.push(coap::OptionNumber::URI_QUERY, query.as_bytes());
    }
    message.to_bytes().unwrap()
}

fn reset(id: coap::MessageId) -> Vec<u8> {
    let token = coap::Token::default();
    coap::Message::new(coap::Kind::Reset, coap::Code::EMPTY, id, token).to_bytes().unwrap()
}

fn code(bytes: &[u8]) -> String {
    coap::Message::parse(bytes).unwrap().code.to_string()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
