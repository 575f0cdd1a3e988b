//! How it ends: revocation lists, revoked credentials, authorities that are trusted no more, expiry (FLEET.md ID-09).

use interop_tests::{Device, Files, here};
use serde_json::json;

use super::{
    CERTIFICATE_EXPIRED, CERTIFICATE_REVOKED, UNKNOWN_CA, add, alert, refused, tapped, with_leshan,
    x509::trusted,
};

#[test]
fn a_revocation_list_ends_a_session_and_refuses_the_next_handshake() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        for (name, serial) in [("listed", 0xbad), ("not-listed", 0x600d)] {
            let credential = json!({ "kind": "x509", "name": name });
            add(&rest, "default", name, "management", credential).await;
            let files = Files::of(&factory.issue_numbered(name, serial), &rest).await;
            let (mut client, device, mut tap) = tapped(&stage, name, files.certificate()).await;
            device.read("/3/0/0").await.assert_done();

            let authorities = rest.get("/authorities").await;
            let id =
                authorities["items"].as_array().and_then(|all| all.iter().find(|one| one["own"] == false));
            let id = id.and_then(|one| one["id"].as_str()).expect("it was added");
            let list = factory.revocation_list(serial, &[0xbad]);
            let told = rest.put_pem(&format!("/authorities/{id}/revocation-list"), &list).await;
            assert_eq!(told["revocation_list"]["revoked"], 1);

            if name == "not-listed" {
                device.read("/3/0/0").await.assert_done();
                continue;
            }
            assert_unreachable(&device).await;
            // It says every three seconds that it is there: it finds out, and begins a handshake.
            assert_eq!(alert(&mut tap).await, CERTIFICATE_REVOKED);
            rest.diary("certificate-revoked", "CN=listed").await;
            assert_eq!(client.count("registered"), 1);
        }
    });
}

#[test]
fn a_revoked_credential_ends_what_its_certificate_has_opened() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        let credential = json!({ "kind": "x509", "name": "taken-back" });
        let (id, shown) = add(&rest, "default", "taken-back", "management", credential).await;
        let files = Files::of(&factory.issue_to_device("taken-back"), &rest).await;
        let (mut client, device, mut tap) = tapped(&stage, "taken-back", files.certificate()).await;
        device.read("/3/0/0").await.assert_done();
        let credential = shown["credential"]["id"].as_str().expect("it has an id");
        let path = format!("/devices/{id}/credentials/{credential}/revoke");
        rest.post(&path, json!({ "reason": "a test of it" })).await;
        assert_eq!(device.page().await.text("#device-state .badge"), "Revoked");
        alert(&mut tap).await;
        rest.diary("credential-revoked", "taken-back").await;
        assert_eq!(client.count("registered"), 1);
    });
}

#[test]
fn an_authority_that_is_trusted_no_more_ends_what_it_has_vouched_for() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        let credential = json!({ "kind": "x509", "name": "orphaned" });
        add(&rest, "default", "orphaned", "management", credential).await;
        let files = Files::of(&factory.issue_to_device("orphaned"), &rest).await;
        let (mut client, device, mut tap) = tapped(&stage, "orphaned", files.certificate()).await;
        device.read("/3/0/0").await.assert_done();
        let authorities = rest.get("/authorities").await;
        let id = authorities["items"].as_array().and_then(|all| all.iter().find(|one| one["own"] == false));
        let id = id.and_then(|one| one["id"].as_str()).expect("it was added");
        rest.delete(&format!("/authorities/{id}")).await;
        assert_unreachable(&device).await;
        assert_eq!(alert(&mut tap).await, UNKNOWN_CA);
        rest.diary("certificate-untrusted", "CN=orphaned").await;
        assert_eq!(client.count("registered"), 1);
    });
}

#[test]
fn an_expired_certificate_is_refused() {
    with_leshan(here!(), |stage, rest| async move {
        let factory = trusted(&rest, "Factory").await;
        let credential = json!({ "kind": "x509", "name": "outdated" });
        add(&rest, "default", "outdated", "management", credential).await;
        let files = Files::of(&factory.issue_expired("outdated"), &rest).await;
        assert_eq!(refused(&stage, "outdated", &files).await, CERTIFICATE_EXPIRED);
        let entry = rest.diary("certificate-expired", "CN=outdated").await;
        assert_ne!(entry["remedy"], "", "{entry}");
    });
}

/// What it is asked does not reach it any more.
async fn assert_unreachable(device: &Device) {
    let report = device.begin_write("/1/0/1", "60").await;
    assert_ne!(report.state(), "Done", "{}", report.0);
}
