//! Bootstrap over DTLS with pre-shared keys (LwM2M Core 1.1.1 §6.1): a device comes with one key, and is given another.

use interop_tests::{
    Client, Credential, Device, Peer, Settings, Spec, Stage, Transport, here, on_every_secure_peer, on_peers,
};

#[test]
fn a_device_bootstraps_and_registers_with_what_it_was_given() {
    on_every_secure_peer(here!(), |stage| async move {
        let (_client, device) = bootstrapped(&stage, "newborn").await;
        let credentials = device
            .until_credentials("the new credential to be proved", |all| {
                all.iter().any(|credential| credential.is("management", "Live"))
            })
            .await;
        assert_eq!(credentials.len(), 2, "{credentials:?}");
        let given = of(&credentials, "management");
        assert_ne!(given.identity, "newborn", "its identity is not the endpoint's name");
        let own = of(&credentials, "bootstrap");
        assert_eq!(
            (own.identity.as_str(), own.state.as_str()),
            ("newborn", "Live"),
            "the old account survives"
        );
        let bootstraps = device.bootstraps().await;
        assert_eq!(bootstraps, [("Finished".to_owned(), String::new())]);
        let page = device.page().await;
        assert_eq!(page.text("#device-state .badge"), "Awake");
        assert!(!page.fact("Security").is_empty(), "{page}");
        device.read("/3/0/0").await.assert_done();
    });
}

#[test]
fn a_device_without_a_key_is_bootstrapped_in_the_lab() {
    on_peers(here!(), &Peer::ALL, &[Transport::Udp], Settings::default(), |stage| async move {
        let (_client, device) = bootstrapped(&stage, "lab-newborn").await;
        assert_eq!(device.bootstraps().await[0].0, "Finished");
        device.read("/3/0/0").await.assert_done();
    });
}

#[test]
fn a_bootstrap_that_the_server_asks_for_gives_new_credentials() {
    on_every_secure_peer(here!(), |stage| async move {
        let (mut client, device) = bootstrapped(&stage, "reborn").await;
        let live =
            |all: &[Credential]| all.iter().find(|credential| credential.is("management", "Live")).cloned();
        let first = live(&device.until_credentials("the first one", |all| live(all).is_some()).await);
        let first = first.expect("it was waited for").identity;
        let report = device.trigger_bootstrap().await;
        assert!(matches!(report.state().as_str(), "Done" | "Sent"), "{}", report.0);
        let new = |all: &[Credential]| live(all).is_some_and(|credential| credential.identity != first);
        let credentials = device.until_credentials("another one to be proved", new).await;
        let old = credentials.iter().find(|credential| credential.identity == first);
        assert!(old.is_some_and(|old| old.is("management", "Retired")), "{credentials:?}");
        assert_eq!(device.bootstraps().await.len(), 2);
        device.until("it to be back", |page| page.text("#device-state .badge") == "Awake").await;
        device.read("/3/0/0").await.assert_done();
        assert!(!client.has_told("bootstrap-failed"));
    });
}

async fn bootstrapped(stage: &Stage, endpoint: &str) -> (Client, Device) {
    let mut client = stage.start(Spec::new(endpoint).lifetime(60).bootstrap()).await;
    client.event("bootstrapped").await;
    client.event("registered").await;
    let device = stage.console.device(endpoint).await;
    device.until("its registration", |page| page.text("#device-state .badge") == "Awake").await;
    (client, device)
}

fn of<'a>(credentials: &'a [Credential], purpose: &str) -> &'a Credential {
    let found = credentials.iter().find(|credential| credential.purpose == purpose);
    found.unwrap_or_else(|| panic!("no {purpose} credential is among {credentials:?}"))
}
