//! Raw public keys (LwM2M Transport 1.1.1 §5.2.9.2).

use interop_tests::{Files, Pair, Spec, here};
use serde_json::json;

use super::{add, survives_a_kill, tapped, with_leshan, works};

#[test]
fn a_device_bootstraps_and_registers_by_raw_public_keys() {
    with_leshan(here!(), |mut stage, rest| async move {
        rest.set_policy("default", &["rpk"], "cn", "rpk").await;
        let pair = Pair::self_signed("raw-newborn");
        let key = json!({ "kind": "rpk", "public_key": pair.public_pem });
        let (id, shown) = add(&rest, "default", "raw-newborn", "bootstrap", key).await;
        assert_eq!(shown["private_key"], json!(null), "the device keeps its own");
        let files = Files::of(&pair, &rest).await;
        let spec = Spec { security: files.raw_public_key(), ..Spec::new("raw-newborn").bootstrap() };
        let mut client = stage.launch(&spec);
        client.event("bootstrapped").await;
        client.event("registered").await;
        let own = rest.credential(&id, "bootstrap", "live").await;
        let given = rest.credential(&id, "management", "live").await;
        assert_eq!([&own["kind"], &given["kind"]], ["rpk", "rpk"]);
        assert_ne!(own["identity"], given["identity"], "the key it was given is another");
        let device = stage.console.device("raw-newborn").await;
        works(&stage, &mut client, &device).await;
        survives_a_kill(&mut stage, &rest, &mut client, &device, (&id, "management")).await;
    });
}

#[test]
fn a_device_that_has_a_raw_public_key_survives_a_kill_without_a_handshake() {
    with_leshan(here!(), |mut stage, rest| async move {
        let pair = Pair::self_signed("raw-survivor");
        let key = json!({ "kind": "rpk", "public_key": pair.public_pem });
        let (id, _) = add(&rest, "default", "raw-survivor", "management", key).await;
        let files = Files::of(&pair, &rest).await;
        let (mut client, device, mut tap) = tapped(&stage, "raw-survivor", files.raw_public_key()).await;
        works(&stage, &mut client, &device).await;
        assert!(tap.client_hellos() > 0, "there was a handshake");
        survives_a_kill(&mut stage, &rest, &mut client, &device, (&id, "management")).await;
        assert_eq!(tap.client_hellos(), 0, "there was no other");
    });
}

#[test]
fn a_public_key_that_nobody_has_is_in_the_diary() {
    with_leshan(here!(), |stage, rest| async move {
        let files = Files::of(&Pair::self_signed("raw-stranger"), &rest).await;
        let spec = Spec { security: files.raw_public_key(), ..Spec::new("raw-stranger") };
        let mut client = stage.launch(&spec);
        let entry = rest.diary("unknown-public-key", "raw public key").await;
        assert_ne!(entry["remedy"], "", "{entry}");
        assert!(!client.has_told("registered"));
    });
}
