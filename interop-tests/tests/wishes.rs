//! What a class wishes to be told of: observed after each Register, merged where the client can, and ended with the wish.

use interop_tests::{
    Deadline, Device, Page, Peer, Rest, Settings, Spec, Transport, here, on_every_peer, on_peers,
};
use serde_json::json;

#[test]
fn a_wish_is_observed_after_a_register_a_restart_of_the_server_and_one_of_the_client() {
    on_every_peer(here!(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let rest = Rest::of(&stage.subject, &stage.console).await;
        wish(&rest, &[&format!("{sensor} pmin=1")]).await;
        let spec = stage.with_key(Spec::new("wished").impatient());
        let (mut client, device) = stage.registered(spec.clone()).await;
        until_rows(&device, 1).await;
        client.run(&format!("set {sensor} 21.5")).await;
        device.until_value(sensor, "21.5").await;

        stage.subject.kill();
        stage.subject.start_again().await;
        // The session of a secure one is restored; what it says next is known.
        client.run(&format!("set {sensor} 22.5")).await;
        device.until_value(sensor, "22.5").await;

        drop(client);
        let mut client = stage.launch(&spec);
        client.event("registered").await;
        until_rows(&device, 1).await;
        assert!(!client.has_told("notification-reset"));

        wish(&rest, &[]).await;
        device
            .until("nothing is observed", |page| {
                page.text("#device-observations").contains("Nothing is observed")
            })
            .await;
    });
}

#[test]
fn paths_that_share_their_attributes_are_one_composite_observation() {
    on_peers(
        here!(),
        &[Peer::Leshan, Peer::Simulated],
        &Transport::ALL,
        Settings::default(),
        |stage| async move {
            let sensor = stage.places().sensor;
            let (mut client, device) = stage.registered(Spec::new("merged")).await;
            let rest = Rest::of(&stage.subject, &stage.console).await;
            device.observe("/3/0/13").await.assert_done();
            wish(&rest, &["/3/0/9", sensor, "/3/0/13"]).await;
            let page = until_rows(&device, 2).await;
            let rows = page.texts("#device-observations tbody tr");
            assert!(rows[0].contains("/3/0/13") && rows[0].contains("by hand"), "{rows:?}");
            assert!(rows[1].starts_with("2 nodes") && rows[1].contains("by its class"), "{rows:?}");
            client.run(&format!("set {sensor} 25.5")).await;
            device.until_value(sensor, "25.5").await;
            // What is begun by hand stays.
            wish(&rest, &[]).await;
            let page = until_rows(&device, 1).await;
            assert!(page.text("#device-observations tbody").contains("by hand"), "{page}");
        },
    );
}

async fn wish(rest: &Rest, lines: &[&str]) {
    rest.put("/classes/default/wishes", json!({ "lines": lines })).await;
}

async fn until_rows(device: &Device, count: usize) -> Page {
    let there = |page: &Page| page.rows("#device-observations table").len() == count;
    device.until_by(Deadline::usual(), &format!("{count} observations"), there).await
}
