//! Information reporting: Observe, Notify, Cancel, Send (LwM2M Core 1.1.1 §6.4).

use interop_tests::{Device, Spec, here, on_every_peer};

#[test]
fn a_change_of_what_is_observed_is_on_the_page() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("observed")).await;
        device.observe("/3303/0/5700").await.assert_done();
        client.event_at("observe", "/3303/0/5700").await;
        for value in ["21.5", "22.25", "-3.5"] {
            client.run(&format!("set /3303/0/5700 {value}")).await;
            device.until_value("/3303/0/5700", value).await;
        }
        let page = device.page().await;
        assert_eq!(page.rows("#device-observations table").len(), 1, "{page}");
        let history =
            device.node("/3303/0/5700").await.texts("section[aria-labelledby=history-title] tbody .value");
        assert_eq!(history[..3], ["-3.5", "22.25", "21.5"], "nothing was lost");
        assert!(!client.has_told("notification-reset"));
    });
}

#[test]
fn instances_and_objects_are_observed_too() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("wide")).await;
        for path in ["/3303/0", "/3303"] {
            device.observe(path).await.assert_done();
            client.event_at("observe", path).await;
        }
        client.run("set /3303/0/5700 12.5").await;
        let page = device.until_value("/3303/0/5700", "12.5").await;
        assert_eq!(page.rows("#device-observations table").len(), 2, "{page}");
        assert!(!client.has_told("notification-reset"));
    });
}

#[test]
fn an_observation_is_cancelled_by_asking() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("asked")).await;
        device.observe("/3303/0/5700").await.assert_done();
        device.cancel_actively("/3303/0/5700").await.assert_done();
        client.event_at("cancel-observe", "/3303/0/5700").await;
        let page = device.page().await;
        assert!(page.text("#device-observations").contains("Nothing is observed"), "{page}");
        let before = Device::value(&page, "/3303/0/5700");
        client.run("set /3303/0/5700 99.5").await;
        // It answers, so whatever it had to report has come before.
        device.read("/3/0/0").await.assert_done();
        assert_eq!(Device::value(&device.page().await, "/3303/0/5700"), before, "it reports no more");
    });
}

#[test]
fn an_observation_is_cancelled_by_rejecting_a_report() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("rejected")).await;
        device.observe("/3303/0/5700").await.assert_done();
        device.cancel_passively("/3303/0/5700").await.assert_done();
        let before = Device::value(&device.page().await, "/3303/0/5700");
        client.run("set /3303/0/5700 98.5").await;
        client.event_at("notification-reset", "/3303/0/5700").await;
        let page = device.page().await;
        assert_eq!(Device::value(&page, "/3303/0/5700"), before, "a rejected report does not count");
        assert!(page.text("#device-observations").contains("Nothing is observed"), "{page}");
    });
}

#[test]
fn what_a_device_sends_by_itself_is_on_the_page() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("sender")).await;
        client.run("set /3303/0/5700 42.5").await;
        client.run("send /3303/0/5700,/3/0/9").await;
        client.event("sent").await;
        let page = device.until_value("/3303/0/5700", "42.5").await;
        assert!(!Device::value(&page, "/3/0/9").is_empty(), "{page}");
    });
}
