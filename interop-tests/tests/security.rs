//! Who gets in by which pre-shared key, and who does not any more (LwM2M Transport 1.1.1 §5.2, RFC 4279).

use interop_tests::{
    Client, Console, Interface, Peer, Raw, Security, Settings, Spec, Subject, Tap, Transport, alone, here,
    on_every_secure_peer, on_peers,
};

#[test]
fn a_device_that_names_no_endpoint_is_known_by_its_identity() {
    on_every_secure_peer(here!(), |stage| async move {
        let (_client, device) = stage.registered(Spec::new("nameless").nameless()).await;
        assert_eq!(device.page().await.text("h1"), "nameless");
        device.read("/3/0/0").await.assert_done();
    });
}

#[test]
fn an_endpoint_that_is_not_the_identitys_is_answered_bad_request() {
    on_every_secure_peer(here!(), |stage| async move {
        stage.console.enrol(&stage.with_key(Spec::new("the-owner"))).await;
        let Security::Psk { identity, key } = stage.with_key(Spec::new("the-owner")).security else {
            unreachable!()
        };
        let mut client = stage.launch(&Spec::new("the-pretender").psk(&identity, &key));
        let failed = client.event("registration-failed").await;
        assert_eq!(code(failed.text("code")), "4.00", "{failed:?}");
        assert!(!client.has_told("registered"));
        let page = stage.console.open("/devices?prefix=the-pretender").await;
        assert!(!page.has("#devices a.device-name"), "nobody of that name became a device: {page}");
    });
}

#[test]
fn a_wrong_key_gets_nobody_in() {
    on_every_secure_peer(here!(), |stage| async move {
        stage.console.enrol(&stage.with_key(Spec::new("mistyped"))).await;
        let mut client = stage.launch(&Spec::new("mistyped").psk("mistyped", b"not the right 16"));
        let entry = stage.console.diary_entry("wrong-key", "mistyped").await;
        assert!(entry.text("#remedy").contains("hexadecimal"), "{entry}");
        assert!(!client.has_told("registered"));
        let device = stage.console.device("mistyped").await;
        assert!(device.page().await.text("#device-state .badge").starts_with("Awaited"));
    });
}

#[test]
fn an_unknown_identity_is_added_from_the_diary_and_gets_in() {
    on_every_secure_peer(here!(), |stage| async move {
        let spec = stage.with_key(Spec::new("stranger"));
        let mut client = stage.launch(&spec);
        let entry = stage.console.diary_entry("unknown-identity", "stranger").await;
        assert!(!entry.text("#remedy").is_empty(), "{entry}");
        assert!(!client.has_told("registered"));
        let link = entry.links("a#add").into_iter().next().expect("it can be added from here").1;
        let form = stage.console.open(&link).await.form("form#add");
        stage.console.fill_in(form, &spec).await;
        // Whoever gave up is switched on again.
        if !client.tries_again().await {
            client = stage.launch(&spec);
            client.event("registered").await;
        }
        let device = stage.console.device("stranger").await;
        device.until("it to be in", |page| page.text("#device-state .badge") == "Awake").await;
    });
}

#[test]
fn a_revocation_ends_everything_at_once() {
    on_every_secure_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("banished").impatient()).await;
        // Something waits while it is revoked: the first does not come back, the second is behind it.
        client.run("pause").await;
        let (first, second) = (
            device.begin_write(stage.places().text, stage.places().texts[0]).await,
            device.begin_write(stage.places().text, stage.places().texts[1]).await,
        );
        device.revoke_all().await;
        for report in [first, second] {
            let ended = device.until_ended(&report).await;
            assert!(matches!(ended.state().as_str(), "Cancelled" | "Failed" | "Unknown"), "{}", ended.0);
        }
        let page = device.page().await;
        assert_eq!(page.text("#device-state .badge"), "Revoked");
        assert!(!page.has("button[value=read]"), "nothing can be asked of it");
        client.run("resume").await;
        // Its session is gone, and no other is given to it, nor to whoever else has its key.
        let mut again = stage.launch(&stage.with_key(Spec::new("banished")));
        let entry = stage.console.diary_entry("credential-revoked", "banished").await;
        assert!(entry.text("#detail").contains(Console::NAME), "it says who: {entry}");
        assert!(client.count("registered") == 1 && !again.has_told("registered"), "it does not come back");
        assert_eq!(device.page().await.text("#device-state .badge"), "Revoked");
    });
}

#[test]
fn a_credential_that_was_revoked_before_opens_nothing() {
    on_every_secure_peer(here!(), |stage| async move {
        let spec = stage.with_key(Spec::new("too-late"));
        stage.console.enrol(&spec).await;
        let device = stage.console.device("too-late").await;
        device.revoke("too-late").await;
        let mut client = stage.launch(&spec);
        let entry = stage.console.diary_entry("credential-revoked", "too-late").await;
        assert!(!entry.text("#remedy").is_empty());
        assert!(!client.has_told("registered"));
    });
}

#[test]
fn a_removed_device_does_not_come_back_until_it_is_added_again() {
    on_every_secure_peer(here!(), |stage| async move {
        let spec = stage.with_key(Spec::new("sold").lifetime(20));
        let (client, device) = stage.registered(spec.clone()).await;
        device.remove().await;
        drop(client);
        let mut client = stage.launch(&spec);
        let cause = stage.console.first_cause("sold").await;
        assert!(
            ["The device was removed", "Nobody has this PSK identity"].contains(&cause.as_str()),
            "{cause}"
        );
        assert!(!client.has_told("registered"));
        drop(client);
        // With another key: the old one may have gone with the device.
        let spec = Spec {
            security: Security::Psk { identity: "sold-again".to_owned(), key: b"another key ofit".to_vec() },
            ..spec
        };
        stage.console.enrol(&spec).await;
        let mut client = stage.launch(&spec);
        client.event("registered").await;
        let device = stage.console.device("sold").await;
        device.until("it to be back", |page| page.text("#device-state .badge") == "Awake").await;
    });
}

#[test]
fn a_secure_client_behind_a_nat_comes_back_from_another_address() {
    on_every_secure_peer(here!(), |stage| async move {
        let spec = stage.with_key(Spec::new("roaming").impatient());
        stage.console.enrol(&spec).await;
        let tap = Tap::before(stage.server_of(&spec));
        let mut client = stage.peer.start(tap.address(), &spec);
        client.event("registered").await;
        let device = stage.console.device("roaming").await;
        let before =
            device.until("its address", |page| !page.fact("Address").is_empty()).await.fact("Address");
        tap.rebind();
        // Without a connection id the old session is lost with the old address.
        let moved = |page: &interop_tests::Page| {
            page.text("#device-state .badge") == "Awake" && page.fact("Address") != before
        };
        device.until("it to be back from another address", moved).await;
        device.read("/3/0/0").await.assert_done();
        assert_eq!(device.page().await.text("h1"), "roaming", "by its identity it is the same");
    });
}

#[test]
fn a_name_that_has_a_credential_is_refused_without_security() {
    on_peers(here!(), &Peer::ALL, &[Transport::Udp], Settings::default(), |stage| async move {
        stage.console.enrol(&Spec::new("guarded-name").psk("guarded-name", b"a key of its own ")).await;
        let mut client: Client = stage.launch(&Spec::new("guarded-name"));
        let failed = client.event("registration-failed").await;
        assert_eq!(code(failed.text("code")), "4.03", "{failed:?}");
        let entry = stage.console.diary_entry("secured-endpoint-without-security", "guarded-name").await;
        assert!(entry.text("#remedy").contains("coaps"), "{entry}");
        let device = stage.console.device("guarded-name").await;
        assert!(device.page().await.text("#device-state .badge").starts_with("Awaited"));
    });
}

#[test]
fn a_session_of_one_device_does_not_touch_the_registration_of_another() {
    alone(here!(), Settings::default(), async |subject: &Subject| {
        let console = Console::set_up(subject).await;
        let server = subject.address(Interface::Management, Transport::Dtls);
        let mut devices = Vec::new();
        for (name, key) in [("mine", b"the key of mine  "), ("yours", b"the key of yours ")] {
            console.enrol(&Spec::new(name).psk(name, key)).await;
            let mut raw = Raw::connect_secure(server, name, key).await.expect("it is known");
            let answer = raw.post(&["rd"], &["lwm2m=1.1", "lt=60", "b=U"], "</1/0>,</3/0>").await;
            assert_eq!(answer.code, "2.01");
            devices.push((raw, answer.location));
        }
        let yours: Vec<String> =
            devices[1].1.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let yours: Vec<&str> = yours.iter().map(String::as_str).collect();
        let mine = &mut devices[0].0;
        assert_eq!(mine.post(&yours, &[], "").await.code, "4.04");
        assert_eq!(mine.delete(&yours).await.code, "4.04");
        let mut plain = Raw::connect(subject.coap()).await;
        assert_eq!(plain.delete(&yours).await.code, "4.04");
        assert_eq!(devices[1].0.post(&yours, &["lt=90"], "").await.code, "2.04", "it lives");
    });
}

/// The code of an answer, where a client writes more behind it.
fn code(text: &str) -> &str {
    text.get(..4).unwrap_or(text)
}
