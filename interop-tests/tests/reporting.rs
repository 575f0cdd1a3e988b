//! Information reporting: Observe, Notify, Cancel, Send (LwM2M Core 1.1.1 §6.4).

use interop_tests::{Device, Spec, here, on_every_peer};

#[test]
fn a_change_of_what_is_observed_is_on_the_page() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("observed")).await;
        device.observe(sensor).await.assert_done();
        client.event_at("observe", sensor).await;
        for value in ["21.5", "22.25", "-3.5"] {
            client.run(&format!("set {sensor} {value}")).await;
            device.until_value(sensor, value).await;
        }
        let page = device.page().await;
        assert_eq!(page.rows("#device-observations table").len(), 1, "{page}");
        let history = device.node(sensor).await.texts("section[aria-labelledby=history-title] tbody .value");
        assert_eq!(history[..3], ["-3.5", "22.25", "21.5"], "nothing was lost");
        assert!(!client.has_told("notification-reset"));
    });
}

#[test]
fn instances_and_objects_are_observed_too() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("wide")).await;
        for path in [stage.places().sensor_instance, stage.places().sensor_object] {
            device.observe(path).await.assert_done();
            client.event_at("observe", path).await;
        }
        client.run(&format!("set {sensor} 12.5")).await;
        device.until_value(sensor, "12.5").await;
        let page = device.page().await;
        assert_eq!(page.rows("#device-observations table").len(), 2, "{page}");
        assert!(!client.has_told("notification-reset"));
    });
}

#[test]
fn an_observation_is_cancelled_by_asking() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("asked")).await;
        device.observe(sensor).await.assert_done();
        device.cancel_actively(sensor).await.assert_done();
        client.event_at("cancel-observe", sensor).await;
        let page = device.page().await;
        assert!(page.text("#device-observations").contains("Nothing is observed"), "{page}");
        let before = device.value_of(sensor).await;
        client.run(&format!("set {sensor} 99.5")).await;
        // It answers, so whatever it had to report has come before.
        device.read("/3/0/0").await.assert_done();
        assert_eq!(device.value_of(sensor).await, before, "it reports no more");
    });
}

#[test]
fn an_observation_is_cancelled_by_rejecting_a_report() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("rejected")).await;
        device.observe(sensor).await.assert_done();
        device.cancel_passively(sensor).await.assert_done();
        let before = device.value_of(sensor).await;
        client.run(&format!("set {sensor} 98.5")).await;
        client.event_at("notification-reset", sensor).await;
        let page = device.page().await;
        assert_eq!(device.value_of(sensor).await, before, "a rejected report does not count");
        assert!(page.text("#device-observations").contains("Nothing is observed"), "{page}");
    });
}

#[test]
fn what_a_device_sends_by_itself_is_on_the_page() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("sender")).await;
        client.run(&format!("set {sensor} 42.5")).await;
        client.run(&format!("send {sensor},/3/0/9")).await;
        client.event("sent").await;
        let page = device.until_value(sensor, "42.5").await;
        assert!(!Device::value(&page, "/3/0/9").is_empty(), "{page}");
    });
}
