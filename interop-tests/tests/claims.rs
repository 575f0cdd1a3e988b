//! Claims: a key that a batch of devices shares, each for one bootstrap that gives it keys of its own.

use interop_tests::{Client, Key, NewClaim, Spec, Stage, here, on_every_secure_peer};

#[test]
fn devices_enrol_themselves_by_one_claim() {
    on_every_secure_peer(here!(), |stage| async move {
        let key = stage.console.open_claim(&NewClaim::new("batch 7", 2)).await;
        let clients = [claim(&stage, "serial-1", &key), claim(&stage, "serial-2", &key)];
        let mut identities = Vec::new();
        for mut client in clients {
            client.event("registered").await;
            let device = stage.console.device(client.endpoint()).await;
            let proved = device
                .until_credentials("its own key to be proved", |all| {
                    all.iter().any(|credential| credential.is("management", "Live"))
                })
                .await;
            assert!(proved.iter().all(|credential| credential.identity != key.identity), "{proved:?}");
            identities.extend(proved.into_iter().map(|credential| credential.identity));
            device.read("/3/0/0").await.assert_done();
        }
        let count = identities.len();
        identities.sort_unstable();
        identities.dedup();
        assert_eq!(identities.len(), count, "no two have the same: {identities:?}");
        assert_eq!(stage.console.claims().await, [("batch 7".to_owned(), "2 of 2".to_owned())]);
    });
}

#[test]
fn a_second_claim_of_a_serial_waits_until_it_is_approved() {
    on_every_secure_peer(here!(), |stage| async move {
        let key = stage.console.open_claim(&NewClaim::new("batch 8", 9)).await;
        let mut first = claim(&stage, "twin", &key);
        first.event("registered").await;
        drop(first);
        let second = claim(&stage, "twin", &key);
        let entry = stage.console.diary_entry("second-claim", "twin").await;
        assert!(entry.text("#remedy").contains("approve"), "{entry}");
        // Switched off before, and on again after: an approval is good for one bootstrap, however far it gets.
        drop(second);
        stage.console.submit(entry.form("form#approve")).await;
        let mut second = claim(&stage, "twin", &key);
        second.event("bootstrapped").await;
        second.event("registered").await;
        let device = stage.console.device("twin").await;
        device.until("it to be in", |page| page.text("#device-state .badge") == "Awake").await;
        device.read("/3/0/0").await.assert_done();
    });
}

fn claim(stage: &Stage, serial: &str, key: &Key) -> Client {
    stage.launch(&Spec::new(serial).psk(&key.identity, &key.key).bootstrap())
}
