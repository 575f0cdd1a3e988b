//! Certificates: of the server's own authority, of a given one by each mapping, and pinned ones.

use interop_tests::{Authority, Client, Files, Pair, Rest, Spec, Stage, here};
use serde_json::{Value, json};

use super::{add, registered, survives_a_kill, tapped, with_leshan, works};

#[test]
fn a_certificate_of_the_servers_own_authority_opens_a_session_that_outlives_the_server() {
    with_leshan(here!(), |mut stage, rest| async move {
        let (id, shown) = add(&rest, "default", "issued", "management", json!({ "kind": "x509" })).await;
        let files = Files::of(&Pair::shown(&shown), &rest).await;
        let (mut client, device, mut tap) = tapped(&stage, "issued", files.certificate()).await;
        let credential = rest.credential(&id, "management", "live").await;
        assert!(
            credential["certificate"]["subject"].as_str().is_some_and(|subject| subject.contains("issued"))
        );
        works(&stage, &mut client, &device).await;
        assert!(tap.client_hellos() > 0, "there was a handshake");
        survives_a_kill(&mut stage, &rest, &mut client, &device, (&id, "management")).await;
        assert_eq!(tap.client_hellos(), 0, "there was no other");
    });
}

#[test]
fn a_device_keeps_the_key_that_a_certificate_is_issued_for() {
    with_leshan(here!(), |stage, rest| async move {
        let own = Pair::self_signed("key-holder");
        let wish = json!({ "kind": "x509", "public_key": own.public_pem });
        let (id, shown) = add(&rest, "default", "key-holder", "management", wish).await;
        assert_eq!(shown["private_key"], Value::Null);
        let issued = Pair::certified(&own, &shown);
        assert_ne!(issued.certificate, own.certificate);
        let files = Files::of(&issued, &rest).await;
        let (_client, device) = registered(&stage, "key-holder", files.certificate()).await;
        device.read("/3/0/0").await.assert_done();
        rest.credential(&id, "management", "live").await;
    });
}

#[test]
fn a_certificate_of_a_given_authority_names_its_device_as_the_class_says() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        for (mapping, endpoint, name) in [
            ("cn", "by-cn", Some("unit 7 of 9")),
            ("san", "by-san", Some("unit-8-of-9")),
            ("serial", "by-serial", Some("0B:AD:CA:FE")),
            ("spki", "by-key", None),
        ] {
            let pair = match mapping {
                "cn" => factory.issue_to_device("unit 7 of 9"),
                "san" => factory.issue_to_device("unit 8 of 9"),
                _ => factory.issue_numbered("unit", 0x0bad_cafe + u64::from(name.is_none())),
            };
            rest.post("/classes", json!({ "name": mapping })).await;
            rest.set_policy(mapping, &["x509"], mapping, "x509").await;
            let credential = match name {
                Some(name) => json!({ "kind": "x509", "name": name }),
                None => json!({ "kind": "x509", "certificate": pair.certificate_pem }),
            };
            let (id, shown) = add(&rest, mapping, endpoint, "management", credential).await;
            let identity = shown["credential"]["identity"].as_str().unwrap_or_default();
            assert!(identity.starts_with(&format!("{mapping}:")), "{identity}");
            let files = Files::of(&pair, &rest).await;
            let (_client, device) = registered(&stage, endpoint, files.certificate()).await;
            device.read("/3/0/0").await.assert_done();
            let credential = rest.credential(&id, "management", "live").await;
            assert!(credential["certificate"]["issuer"].as_str().is_some_and(|by| by.contains("Factory")));
        }
    });
}

#[test]
fn a_pinned_certificate_needs_no_authority() {
    with_leshan(here!(), |stage, rest| async move {
        let pair = Pair::self_signed("pinned");
        let credential = json!({ "kind": "x509", "certificate": pair.certificate_pem });
        add(&rest, "default", "pinned", "management", credential).await;
        let files = Files::of(&pair, &rest).await;
        let (mut client, device) = registered(&stage, "pinned", files.certificate()).await;
        works(&stage, &mut client, &device).await;
    });
}

#[test]
fn a_device_bootstraps_by_a_certificate_and_is_given_another() {
    with_leshan(here!(), |mut stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        rest.set_policy("default", &["x509"], "cn", "x509").await;
        let credential = json!({ "kind": "x509", "name": "certified-newborn" });
        let (id, _) = add(&rest, "default", "certified-newborn", "bootstrap", credential).await;
        let pair = factory.issue_to_device("certified-newborn");
        let files = Files::of(&pair, &rest).await;
        let mut client = bootstrapping(&stage, "certified-newborn", &files);
        client.event("bootstrapped").await;
        client.event("registered").await;
        let given = rest.credential(&id, "management", "live").await;
        assert_eq!(given["kind"], "x509");
        let issuer = given["certificate"]["issuer"].as_str().unwrap_or_default();
        assert!(!issuer.is_empty() && !issuer.contains("Factory"), "the server has issued it: {given}");
        let device = stage.console.device("certified-newborn").await;
        works(&stage, &mut client, &device).await;
        survives_a_kill(&mut stage, &rest, &mut client, &device, (&id, "management")).await;
    });
}

#[test]
fn a_device_with_a_certificate_of_no_authority_is_in_the_diary() {
    with_leshan(here!(), |stage, rest| async move {
        let credential = json!({ "kind": "x509", "name": "vouched-by-nobody" });
        add(&rest, "default", "vouched-by-nobody", "management", credential).await;
        let pair = Authority::new("Somebody").issue_to_device("vouched-by-nobody");
        let files = Files::of(&pair, &rest).await;
        assert_eq!(super::refused(&stage, "vouched-by-nobody", &files).await, super::UNKNOWN_CA);
        let entry = rest.diary("certificate-untrusted", "CN=vouched-by-nobody").await;
        assert_ne!(entry["remedy"], "", "{entry}");
    });
}

#[test]
fn a_good_certificate_that_names_nobody_is_in_the_diary() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        let files = Files::of(&factory.issue_to_device("name-nobody-has"), &rest).await;
        assert_eq!(super::refused(&stage, "name-nobody-has", &files).await, super::CERTIFICATE_UNKNOWN);
        let entry = rest.diary("unknown-certificate", "CN=name-nobody-has").await;
        assert_ne!(entry["remedy"], "", "{entry}");
    });
}

/// An authority that the server was told of.
pub(super) async fn trusted(rest: &Rest, name: &str) -> Authority {
    let authority = Authority::new(name);
    rest.post("/authorities", json!({ "name": name, "certificate": authority.pair.certificate_pem })).await;
    authority
}

fn bootstrapping(stage: &Stage, endpoint: &str, files: &Files) -> Client {
    stage.launch(&Spec { security: files.certificate(), ..Spec::new(endpoint).bootstrap() })
}
