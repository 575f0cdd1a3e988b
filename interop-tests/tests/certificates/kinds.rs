//! A class says which kinds of credentials it lets in (ID-02).

use interop_tests::{Files, Pair, Spec, here};
use serde_json::json;

use super::{add, registered, with_leshan};

const KEY: &[u8; 16] = b"a key of no kind";

#[test]
fn a_pre_shared_key_is_refused_in_a_class_of_certificates() {
    with_leshan(here!(), |stage, rest| async move {
        let spec = Spec::new("old-fashioned").psk("old-fashioned", KEY);
        stage.console.enrol(&spec).await;
        rest.set_policy("default", &["x509"], "cn", "x509").await;
        let mut client = stage.launch(&spec);
        let entry = rest.diary("credential-kind-not-allowed", "old-fashioned").await;
        assert_ne!(entry["remedy"], "", "{entry}");
        assert!(!client.has_told("registered"));
    });
}

#[test]
fn a_policy_that_lets_a_kind_in_no_more_ends_its_sessions() {
    with_leshan(here!(), |stage, rest| async move {
        let spec = Spec::new("out-of-fashion").psk("out-of-fashion", KEY).impatient();
        stage.console.enrol(&spec).await;
        let mut client = stage.launch(&spec);
        client.event("registered").await;
        let device = stage.console.device("out-of-fashion").await;
        device.read("/3/0/0").await.assert_done();
        let pair = Pair::self_signed("in-fashion");
        let credential = json!({ "kind": "x509", "certificate": pair.certificate_pem });
        add(&rest, "default", "in-fashion", "management", credential).await;
        let files = Files::of(&pair, &rest).await;
        let (_other, other) = registered(&stage, "in-fashion", files.certificate()).await;

        rest.set_policy("default", &["x509"], "cn", "x509").await;

        // It says every three seconds that it is there: it finds out, and begins a handshake.
        rest.diary("credential-kind-not-allowed", "out-of-fashion").await;
        other.read("/3/0/0").await.assert_done();
        // What is taken back is let in again.
        rest.set_policy("default", &["psk", "x509"], "cn", "x509").await;
        drop(client);
        let mut client = stage.launch(&spec);
        client.event("registered").await;
        device.read("/3/0/0").await.assert_done();
    });
}
