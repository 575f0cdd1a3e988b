//! Certificates: whom they name, who is trusted, and until when.

use std::time::Duration;

use super::{
    enrol::endpoint,
    issuer::{Factory, YEAR},
    *,
};
use crate::{
    Certificate, CertificateError, ClassPolicy, Closed, Credential, CredentialState, DiaryCause, Distrust,
    GivenCertificate, GivenCredential, GivenKey, Identity, Mapping, NewDevice, Opening, Public, Purpose,
    Rotation, Secret, SeenCertificate, Shown, Validity, certificate,
};

fn admin() -> Context {
    context(Role::Administrator)
}

fn add(bench: &Bench, name: &str, management: GivenCredential) -> Result<(Device, Shown), FleetError> {
    let new =
        NewDevice { endpoint: endpoint(name), class: None, bootstrap: None, management: Some(management) };
    let mut enrolled = block_on(bench.fleet.add_device(&admin(), new))?;
    Ok((enrolled.device, enrolled.shown.remove(0)))
}

fn mapped(value: Option<&str>) -> GivenCredential {
    GivenCredential::Certificate(GivenCertificate::Mapped { value: value.map(str::to_owned) })
}

fn pinned(der: &[u8]) -> GivenCredential {
    GivenCredential::Certificate(GivenCertificate::Pinned(der.to_vec()))
}

fn by_mapping(bench: &Bench, mapping: Mapping) {
    let policy = ClassPolicy { mapping, ..ClassPolicy::default() };
    block_on(bench.fleet.set_class_policy(&admin(), ClassId::DEFAULT, policy)).unwrap();
}

fn open(bench: &Bench, der: &[u8], trusted: Result<(), Distrust>, at: Timestamp) -> Result<Opening, Closed> {
    let facts = Certificate::parse(der).unwrap();
    block_on(bench.fleet.opening_by_certificate(Purpose::Management, &facts, trusted, at)).unwrap()
}

fn unknown() -> Result<(), Distrust> {
    Err(Distrust::Unknown { detail: "no trusted authority has issued it".into() })
}

fn opened(bench: &Bench, identity: Identity, der: &[u8]) {
    let seen = SeenCertificate::of(&[der.to_vec()], START).unwrap();
    let from = "192.0.2.1:5000".parse().unwrap();
    block_on(bench.fleet.opened(identity, from, None, Some(&seen), START)).unwrap().unwrap();
}

fn row(bench: &Bench, credential: &Credential) -> (Credential, Secret) {
    block_on(bench.store.credential_row(credential.id)).unwrap().unwrap()
}

#[test]
fn the_class_says_what_of_a_certificate_names_its_device() {
    let factory = Factory::new("factory");
    let der = factory.issue("by-name", 0xabc, &["urn:dev:7"], YEAR);
    for (mapping, value, name) in [
        (Mapping::CommonName, None, "cn:by-name"),
        (Mapping::SubjectAltName, Some("urn:dev:7"), "san:urn:dev:7"),
        (Mapping::SerialNumber, Some("0A:BC"), "serial:abc"),
    ] {
        let bench = Bench::new();
        by_mapping(&bench, mapping);
        let (device, shown) = add(&bench, "by-name", mapped(value)).unwrap();
        assert_eq!((shown.credential.identity.text().as_str(), &shown.secret), (name, &Secret::None));
        let opening = open(&bench, &der, Ok(()), START).unwrap();
        assert_eq!(opening.identity.device(), Some(device.id));
        assert_eq!((opening.endpoint, opening.key), (Some(device.endpoint), None));
        // What the certificate says elsewhere names nobody.
        let other = if mapping == Mapping::CommonName { Mapping::SerialNumber } else { Mapping::CommonName };
        by_mapping(&bench, other);
        assert_eq!(open(&bench, &der, Ok(()), START).unwrap_err().cause, DiaryCause::UnknownCertificate);
    }
    let bench = Bench::new();
    for mapping in [Mapping::SerialNumber, Mapping::PublicKey] {
        by_mapping(&bench, mapping);
        let refused = add(&bench, "by-name", mapped(None)).unwrap_err();
        assert!(matches!(refused, FleetError::Invalid { field: "certificate", .. }), "{mapping:?}");
    }
}

#[test]
fn no_name_is_believed_without_an_authority_and_a_pinned_key_is() {
    let bench = Bench::new();
    let factory = Factory::new("factory");
    let der = factory.issue("named", 7, &[], YEAR);
    let (device, _) = add(&bench, "named", mapped(None)).unwrap();
    let closed = open(&bench, &der, unknown(), START).unwrap_err();
    assert_eq!((closed.cause, closed.device), (DiaryCause::CertificateUntrusted, Some(device.id)));
    assert!(closed.detail.ends_with("no trusted authority has issued it"), "{}", closed.detail);
    let stranger = factory.issue("stranger", 8, &[], YEAR);
    assert_eq!(
        open(&bench, &stranger, unknown(), START).unwrap_err().cause,
        DiaryCause::CertificateUntrusted
    );
    assert_eq!(open(&bench, &stranger, Ok(()), START).unwrap_err().cause, DiaryCause::UnknownCertificate);
    let (pin, shown) = add(&bench, "pinned", pinned(&stranger)).unwrap();
    assert_eq!(open(&bench, &stranger, unknown(), START).unwrap().identity.device(), Some(pin.id));
    assert_eq!(shown.credential.valid_to, Some(YEAR.to));
}

#[test]
fn a_certificate_that_names_several_devices_names_none() {
    let bench = Bench::new();
    by_mapping(&bench, Mapping::SubjectAltName);
    let factory = Factory::new("factory");
    let der = factory.issue("x", 7, &["urn:dev:1", "urn:dev:2"], YEAR);
    let (_, one) = add(&bench, "one", mapped(Some("urn:dev:1"))).unwrap();
    let (two, _) = add(&bench, "two", mapped(Some("urn:dev:2"))).unwrap();
    let closed = open(&bench, &der, Ok(()), START).unwrap_err();
    assert_eq!((closed.cause, closed.device), (DiaryCause::AmbiguousCertificate, None));
    // One that has ended stands in nobody's way.
    let admin = admin();
    let device = block_on(bench.store.device_by_endpoint(&endpoint("one"))).unwrap().unwrap().device;
    let revoked =
        bench.fleet.revoke_credential(&admin, device.public_id, one.credential.public_id, "doubled");
    block_on(revoked).unwrap();
    assert_eq!(open(&bench, &der, Ok(()), START).unwrap().identity.device(), Some(two.id));
    // And a pin tells at once.
    let (pin, _) = add(&bench, "three", pinned(&der)).unwrap();
    assert_eq!(open(&bench, &der, Ok(()), START).unwrap().identity.device(), Some(pin.id));
}

#[test]
fn what_is_past_its_time_or_taken_back_is_let_in_by_no_pin() {
    let bench = Bench::new();
    let factory = Factory::new("factory");
    let hour = Duration::from_secs(3_600);
    let valid = Validity { from: START.after(hour), to: START.after(2 * hour) };
    let der = factory.issue("short", 7, &[], valid);
    let (device, _) = add(&bench, "short", pinned(&der)).unwrap();
    let cause = |trusted, at| open(&bench, &der, trusted, at).map_err(|closed| (closed.cause, closed.device));
    let refused = |cause| Err((cause, Some(device.id)));
    for trusted in [Ok(()), unknown()] {
        assert_eq!(
            cause(trusted.clone(), START).map(drop),
            refused(DiaryCause::CertificateNotYetValid),
            "its time has not come"
        );
        assert!(cause(trusted.clone(), valid.from).is_ok());
        let over = cause(trusted, valid.to.after(Duration::from_secs(1))).map(drop);
        assert_eq!(over, refused(DiaryCause::CertificateExpired));
    }
    for (distrust, why) in [
        (Distrust::Revoked, DiaryCause::CertificateRevoked),
        (Distrust::Expired, DiaryCause::CertificateExpired),
        (Distrust::NotYetValid, DiaryCause::CertificateNotYetValid),
    ] {
        assert_eq!(cause(Err(distrust), valid.from).map(drop), refused(why));
    }
    let over = factory.issue("over", 8, &[], Validity { from: Timestamp(0), to: Timestamp(START.0 - 1_000) });
    let refused = add(&bench, "over", pinned(&over)).unwrap_err();
    assert!(matches!(refused, FleetError::Invalid { field: "certificate", .. }));
}

#[test]
fn the_server_issues_and_forgets_the_private_key_once_it_is_proved() {
    let bench = Bench::new();
    let issue = || GivenCredential::Certificate(GivenCertificate::Issued { public_key: None });
    let without = add(&bench, "early", issue()).unwrap_err();
    assert!(
        matches!(without, FleetError::Invalid { .. }),
        "there is no authority before the first start: {without}"
    );
    let names = ["muster.example.com".to_owned()];
    let (server, keys) = block_on(bench.fleet.own_keys(&names, START)).unwrap().unwrap();
    let again = block_on(bench.fleet.own_keys(&names, START)).unwrap().unwrap();
    assert_eq!((&again.0, &again.1), (&server, &keys), "made once");
    let authorities = block_on(bench.fleet.authorities(&admin())).unwrap();
    assert!(authorities.len() == 1 && authorities[0].own);
    assert!(block_on(bench.fleet.remove_authority(&admin(), authorities[0].public_id)).is_err());

    let (device, shown) = add(&bench, "sensor", issue()).unwrap();
    let facts = Certificate::parse(&shown.chain()[0]).unwrap();
    assert_eq!(facts.names()[0].text(), "cn:sensor");
    assert_eq!(facts.issuer_name, authorities[0].subject_name);
    let opening = open(&bench, &shown.chain()[0], Ok(()), START).unwrap();
    assert!(matches!(row(&bench, &shown.credential).1, Secret::KeyPair(_)));
    opened(&bench, opening.identity, &shown.chain()[0]);
    let (credential, secret) = row(&bench, &shown.credential);
    assert_eq!((credential.state, secret), (CredentialState::Live, Secret::None));
    let seen = block_on(bench.fleet.seen_certificates(&admin(), device.public_id)).unwrap();
    assert_eq!((seen[0].0, seen[0].1.not_after), (credential.id, credential.valid_to.unwrap()));
    let told = bench.timeline(device.id);
    assert!(told.iter().any(|line| line.contains("came with certificate")), "{told:?}");
    opened(&bench, opening.identity, &shown.chain()[0]);
    assert_eq!(bench.timeline(device.id), told, "the same one tells nothing new");

    // The next one has the same names and another key: both are good until it has proved itself.
    let admin = admin();
    let rotated = bench.fleet.rotate_credential(&admin, device.public_id, credential.public_id);
    let Rotation::Shown(next) = block_on(rotated).unwrap() else { panic!("shown") };
    assert!(open(&bench, &shown.chain()[0], Ok(()), START).is_ok());
    let opening = open(&bench, &next.chain()[0], Ok(()), START).unwrap();
    opened(&bench, opening.identity, &next.chain()[0]);
    let old = open(&bench, &shown.chain()[0], Ok(()), START).unwrap_err();
    assert_eq!(old.cause, DiaryCause::CredentialReplaced);
}

#[test]
fn a_raw_public_key_is_known_by_its_fingerprint() {
    let bench = Bench::new();
    let by_key = |key: &[u8]| block_on(bench.fleet.opening_by_key(Purpose::Management, key, START)).unwrap();
    let (device, shown) = add(&bench, "made", GivenCredential::RawPublicKey(GivenKey::Generated)).unwrap();
    let Secret::KeyPair(pair) = &shown.secret else { panic!("a key pair") };
    let Public::Key(public) = pair.public.clone() else { panic!("a public key") };
    assert_eq!(by_key(&public).unwrap().identity.device(), Some(device.id));
    let given = || GivenCredential::RawPublicKey(GivenKey::Public(public.clone()));
    assert!(matches!(add(&bench, "same", given()), Err(FleetError::AlreadyThere("credential"))));
    block_on(bench.fleet.revoke_device(&admin(), device.public_id, "lost")).unwrap();
    assert_eq!(by_key(&public).unwrap_err().cause, DiaryCause::CredentialRevoked);
    assert_eq!(row(&bench, &shown.credential).1, Secret::None, "what was made for it is forgotten");
    let refused = add(&bench, "same", given()).unwrap_err();
    assert!(matches!(refused, FleetError::Invalid { field: "public_key", .. }), "{refused}");
    assert_eq!(by_key(b"nobody's").unwrap_err().cause, DiaryCause::UnknownPublicKey);
}

#[test]
fn a_certificate_is_read_in_every_writing() {
    let der = Factory::new("factory").certificate();
    let hex: String = der.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    for text in [&pem, &base64, &hex, &format!("\n {base64} \n")] {
        assert_eq!(certificate::certificate(text.as_bytes()), Ok(der.clone()), "{text}");
    }
    assert_eq!(certificate::certificate(&der), Ok(der.clone()));
    for end in 0..der.len() {
        assert!(certificate::certificate(&der[..end]).is_err(), "{end}");
    }
    let malformed = Err(CertificateError::Malformed { what: "public key" });
    assert_eq!(certificate::public_key(pem.as_bytes()), malformed, "one thing is not the other");
    assert!(Certificate::parse(&[der.clone(), vec![0]].concat()).is_err());
}

#[test]
fn a_revocation_list_ends_sessions_and_an_older_one_is_refused() {
    let bench = Bench::new();
    let factory = Factory::new("factory");
    let authority = factory.trusted(&bench);
    let set = |list: &[u8]| block_on(bench.fleet.set_revocation_list(&admin(), authority.public_id, list));
    let ders = [7, 8].map(|serial| factory.issue(&format!("node{serial}"), serial, &[], YEAR));
    let credentials = ["node7", "node8"].map(|name| add(&bench, name, mapped(None)).unwrap().1.credential);
    for der in &ders {
        let opening = open(&bench, der, Ok(()), START).unwrap();
        opened(&bench, opening.identity, der);
    }
    bench.ended();
    let kept = set(&factory.revocation_list(5, &[7, 99])).unwrap().revocations.unwrap();
    assert_eq!((kept.number.as_deref(), kept.revoked, kept.next_update), (Some("5"), 2, Some(YEAR.to)));
    assert_eq!(bench.ended(), [credentials[0].id], "at once");
    let reason = |refused: FleetError| refused.to_string();
    assert!(reason(set(&factory.revocation_list(4, &[])).unwrap_err()).contains("older"));
    assert!(set(&factory.revocation_list(5, &[7])).is_ok(), "the same number again");
    let stranger = Factory::new("stranger").revocation_list(9, &[8]);
    assert!(reason(set(&stranger).unwrap_err()).contains("issued by somebody else"));
    let forger = Factory::new("factory").revocation_list(9, &[8]);
    assert!(reason(set(&forger).unwrap_err()).contains("signature"));
    assert!(set(b"nothing").is_err());
    let trusted = block_on(bench.fleet.trusted()).unwrap();
    let trusted: Vec<_> = trusted.iter().map(|(authority, list)| (authority, list.is_some())).collect();
    assert_eq!(trusted, [(&factory.certificate(), true)]);
    bench.ended();
    block_on(bench.fleet.remove_authority(&admin(), authority.public_id)).unwrap();
    let mut ended = bench.ended();
    ended.sort();
    let mut all = credentials.map(|credential| credential.id);
    all.sort();
    assert_eq!(ended, all, "all that it has issued");
    assert_eq!(factory.subject_name(), authority.subject_name);
}

#[test]
fn only_an_authority_is_trusted_as_one() {
    let bench = Bench::new();
    let factory = Factory::new("factory");
    factory.trusted(&bench);
    let add = |name: &str, der: &[u8]| block_on(bench.fleet.add_authority(&admin(), name, der));
    assert!(matches!(
        add("factory", &Factory::new("f").certificate()),
        Err(FleetError::AlreadyThere("authority"))
    ));
    assert!(matches!(add("other", &factory.certificate()), Err(FleetError::AlreadyThere("authority"))));
    let leaf = factory.issue("leaf", 1, &[], YEAR);
    let refused = add("leaf", &leaf).unwrap_err();
    assert!(matches!(refused, FleetError::Invalid { field: "certificate", .. }), "{refused}");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_certificate_that_is_more_than_it_says(at in 0_usize..600, byte: u8) {
        static DER: LazyLock<Vec<u8>> =
            LazyLock::new(|| Factory::new("f").issue("x", 7, &["urn:dev:7"], YEAR));
        let mut der = DER.clone();
        let at = at % der.len();
        der[at] = byte;
        if let Ok(facts) = Certificate::parse(&der) {
            proptest::prop_assert!(facts.names().len() <= 2 * Certificate::MAX_NAMES + 2);
        }
    }
}
