//! What a class lets in.

use super::{
    credentials::live,
    enrol::{add, new},
    handshake::{open, opened},
    *,
};
use crate::{
    BootstrapAsked, BootstrapRequest, BootstrapSettings, ClassPolicy, Credential, CredentialKind, DiaryCause,
    GivenPsk, Holder, Identity, Mapping, Material, NewDevice, Next, Origin, Public, Purpose, Refusal, Secret,
    ServerKeys, Session, Step, StepAnswer,
};

fn settings(keys: ServerKeys) -> BootstrapSettings {
    BootstrapSettings {
        uri: Some("coaps://muster.example.com:5684".into()),
        plain_uri: None,
        bootstrap_uri: None,
        short_server_id: 1,
        keys,
        lab: false,
    }
}

/// Device 1 asks, by a session that its bootstrap credential has opened.
fn begin(bench: &Bench, credential: &Credential, keys: &ServerKeys) -> Result<Session, Refusal> {
    let holder = Holder::Device(DeviceId(1));
    let identity = Identity { credential: credential.id, holder, purpose: Purpose::Bootstrap };
    let source = Source { listener: ListenerId(0), address: "192.0.2.1:5000".parse().unwrap() };
    let asked = BootstrapAsked {
        origin: Origin { source, identity: Some(identity) },
        listener: "coaps://0.0.0.0:5784".into(),
        request: BootstrapRequest { endpoint: None, preferred_format: None },
        id: RequestId::from_random([3; 16]),
        at: START,
    };
    block_on(bench.fleet.begin_bootstrap(&asked, &settings(keys.clone())))
}

/// What is written of the management account: `/0/x/2` to `/0/x/5`.
fn written(mut session: Session) -> Vec<Value> {
    while let Next::Step(step) = session.next(START) {
        if let Step::Write { path: Path::Instance(ObjectId(0), _), values, .. } = step {
            return values[2..6].iter().map(|(_, value)| value.clone()).collect();
        }
        let code = ResponseCode { class: 4, detail: 4 };
        session.answered(START, StepAnswer::Answered { code, payload: Vec::new(), format: None });
    }
    panic!("no account was written")
}

fn gateway() -> ClassPolicy {
    ClassPolicy {
        kinds: [CredentialKind::Certificate].into(),
        mapping: Mapping::SubjectAltName,
        provision: CredentialKind::Certificate,
    }
}

fn set(bench: &Bench, class: ClassId, policy: ClassPolicy) -> Result<crate::Class, FleetError> {
    block_on(bench.fleet.set_class_policy(&context(Role::Administrator), class, policy))
}

#[test]
fn a_device_that_is_put_into_a_class_which_does_not_let_it_in_loses_its_sessions() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let [bootstrap, management] = live(&bench, 1);
    let open = block_on(bench.fleet.add_class(&admin, "open")).unwrap();
    let strict = block_on(bench.fleet.add_class(&admin, "strict")).unwrap();
    set(&bench, strict.id, gateway()).unwrap();
    block_on(bench.fleet.classify_device(&admin, public_id(1), open.id)).unwrap();
    assert_eq!(bench.ended(), []);
    block_on(bench.fleet.classify_device(&admin, public_id(1), strict.id)).unwrap();
    let (mut ended, mut both) = (bench.ended(), [bootstrap.id, management.id]);
    ended.sort();
    both.sort();
    assert_eq!(ended, both);
}

#[test]
fn a_kind_that_is_not_let_in_opens_nothing_and_its_sessions_end() {
    let bench = Bench::new();
    let [bootstrap, management] = live(&bench, 1);
    opened(&bench, &management).unwrap();
    let class = set(&bench, ClassId::DEFAULT, gateway()).unwrap();
    assert_eq!(class.policy, gateway());
    let mut ended = bench.ended();
    ended.sort();
    let mut both = [bootstrap.id, management.id];
    both.sort();
    assert_eq!(ended, both);
    let refused = |credential: &Credential, purpose| open(&bench, credential, purpose).unwrap_err();
    let closed = refused(&management, Purpose::Management);
    assert_eq!((closed.cause, closed.device), (DiaryCause::CredentialKindNotAllowed, Some(DeviceId(1))));
    assert_eq!(closed.detail, "the class default lets in x509, and not psk");
    assert_eq!(refused(&bootstrap, Purpose::Bootstrap).cause, DiaryCause::CredentialKindNotAllowed);
    assert_eq!(opened(&bench, &management).unwrap_err().cause, DiaryCause::CredentialKindNotAllowed);
    set(&bench, ClassId::DEFAULT, ClassPolicy::default()).unwrap();
    assert!(open(&bench, &management, Purpose::Management).is_ok(), "it was not taken away");
    let audit = bench.audit();
    assert_eq!(
        audit[0],
        "save class · administrator · default: lets in x509; certificates by san; bootstrap gives x509"
    );
}

#[test]
fn a_credential_that_the_class_does_not_let_in_is_not_added() {
    let bench = Bench::new();
    set(&bench, ClassId::DEFAULT, gateway()).unwrap();
    let admin = context(Role::Administrator);
    let refused = [
        add(&bench, "sensor").unwrap_err(),
        block_on(bench.fleet.add_credential(&admin, public_id(1), Purpose::Management, GivenPsk::default()))
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.to_string(), "kind: the class default lets in x509, and not psk");
    }
    let bare = NewDevice { bootstrap: None, management: None, ..new("bare") };
    block_on(bench.fleet.add_device(&admin, bare)).unwrap();
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let nothing = ClassPolicy { kinds: [].into(), ..ClassPolicy::default() };
    let other = ClassPolicy { provision: CredentialKind::Psk, ..gateway() };
    for policy in [nothing, other] {
        let refused = set(&bench, ClassId::DEFAULT, policy);
        assert!(matches!(refused, Err(FleetError::Invalid { field: "kinds", .. })), "{refused:?}");
    }
    assert!(matches!(set(&bench, ClassId(99), gateway()), Err(FleetError::NotFound("class"))));
}

#[test]
fn bootstrap_writes_the_kind_that_the_class_says() {
    let bench = Bench::new();
    let [bootstrap, _] = live(&bench, 1);
    let (_, keys) = block_on(bench.fleet.own_keys(&["muster".to_owned()], START)).unwrap().unwrap();
    for (provision, mode, server) in [
        (CredentialKind::RawPublicKey, 1, keys.public_key.clone().unwrap()),
        (CredentialKind::Certificate, 2, keys.certificate.clone().unwrap()),
    ] {
        set(&bench, ClassId::DEFAULT, ClassPolicy { provision, ..ClassPolicy::default() }).unwrap();
        let session = begin(&bench, &bootstrap, &keys).unwrap();
        let given = session.prepared().account.credential.clone().unwrap();
        let (credential, secret) = block_on(bench.store.credential_row(given.id)).unwrap().unwrap();
        assert_eq!((credential.kind, credential.parent), (provision, Some(bootstrap.id)));
        let Material::KeyPair { pair, .. } = given.material else { panic!("a key pair") };
        assert_eq!(secret, Secret::KeyPair(pair.clone()), "durable before the device is answered");
        assert_eq!(matches!(pair.public, Public::Key(_)), mode == 1);
        let again = begin(&bench, &bootstrap, &keys).unwrap();
        assert_eq!(again.prepared().account.credential.as_ref().unwrap().id, given.id, "given again");
        let opaque = |bytes: &[u8]| Value::Opaque(bytes.to_vec());
        assert_eq!(
            written(again),
            [Value::Integer(mode), opaque(pair.leaf()), opaque(&server), opaque(pair.private.as_bytes())]
        );
        // Once it is proved only the device holds its key, and the next bootstrap makes another.
        opened(&bench, &credential).unwrap();
        let next = begin(&bench, &bootstrap, &keys).unwrap();
        assert_ne!(next.prepared().account.credential.as_ref().unwrap().id, given.id);
    }
    // Without a key of the server's own there is nothing to write beside it.
    assert_eq!(begin(&bench, &bootstrap, &ServerKeys::default()).unwrap_err(), Refusal::Forbidden);
}

#[test]
fn who_has_come_by_a_kind_that_is_not_let_in_is_not_bootstrapped() {
    let bench = Bench::new();
    let [bootstrap, _] = live(&bench, 1);
    set(&bench, ClassId::DEFAULT, gateway()).unwrap();
    assert_eq!(begin(&bench, &bootstrap, &ServerKeys::default()).unwrap_err(), Refusal::Forbidden);
    block_on(bench.fleet.flush_diary(START)).unwrap();
    let query = crate::store::DiaryQuery::all(PageRequest::first(9));
    let page = block_on(bench.store.diary(&query)).unwrap();
    let causes: Vec<_> = page.rows.iter().map(|entry| (entry.cause, entry.device)).collect();
    assert_eq!(causes, [(DiaryCause::CredentialKindNotAllowed, Some(public_id(1)))]);
}
