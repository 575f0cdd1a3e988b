//! Register, Update, Deregister (LwM2M Core 1.1.1 §6.2).

use interop_tests::{Device, Spec, here, on_every_peer};

#[test]
fn a_device_that_registers_is_shown_with_its_objects() {
    on_every_peer(here!(), |stage| async move {
        let (_client, device) = stage.registered(Spec::new("newcomer")).await;
        let page = device.page().await;
        assert_eq!(page.text("h1"), "newcomer");
        assert_eq!(page.text("#device-state .badge"), "Awake");
        let objects = device.objects().await.texts("details.object h3");
        for name in ["LwM2M Server", "Device", stage.places().sensor_object_name] {
            assert!(objects.iter().any(|object| object == name), "{name} is among {objects:?}");
        }
        assert!(page.fact("LwM2M").starts_with("1.1"), "{page}");
        assert!(page.fact("Lifetime").contains("300 s") || page.fact("Lifetime").contains("5 min"), "{page}");
    });
}

#[test]
fn a_written_lifetime_comes_back_in_an_update() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("longer")).await;
        let before = device.page().await.fact("Lifetime");
        device.write("/1/0/1", "1200").await.assert_done();
        client.event_at("write", "/1/0/1").await;
        client.event("updated").await;
        let page = device.until("the new lifetime", |page| page.fact("Lifetime") != before).await;
        assert!(page.fact("Lifetime").contains("20 min") || page.fact("Lifetime").contains("1200"), "{page}");
        assert!(!client.has_told("registration-failed"));
    });
}

#[test]
fn a_device_that_deregisters_is_gone_at_once() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("leaving")).await;
        device.observe(sensor).await.assert_done();
        client.run("deregister").await;
        client.event("deregistered").await;
        let page =
            device.until("the goodbye", |page| page.text("#device-state .badge").contains("goodbye")).await;
        assert!(!page.has("button[value=read]"), "nothing can be asked of it");
        assert!(page.text("#device-observations").contains("Nothing is observed"), "{page}");
        assert_eq!(device.timeline().await[0].0, "deregistered");
    });
}

#[test]
fn a_device_that_falls_silent_expires() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("silent").lifetime(20)).await;
        client.run("pause").await;
        let page = device
            .until("the end of its lifetime", |page| page.text("#device-state .badge").contains("ran out"));
        assert!(!page.await.has("button[value=read]"), "nothing can be asked of it");
        assert_eq!(device.timeline().await[0].0, "expired");
    });
}

#[test]
fn a_device_that_registers_anew_is_observed_anew() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("again")).await;
        device.observe(sensor).await.assert_done();
        client.event_at("observe", sensor).await;
        let location = device.page().await.fact("Location");
        client.run("register").await;
        client.event("registered").await;
        client.event_at("observe", sensor).await;
        // A client reports from when its answer has left, which is a moment after it was asked.
        let observed = |page: &interop_tests::Page| {
            page.text("#device-timeline .detail").starts_with(&format!("Observe {sensor}: 2.05"))
        };
        device.until("the observation to have begun", observed).await;
        client.run(&format!("set {sensor} 17.5")).await;
        device.until_value(sensor, "17.5").await;
        let page = device.page().await;
        assert_ne!(page.fact("Location"), location, "a new registration has a new location");
        assert_eq!(page.rows("#device-observations table").len(), 1, "{page}");
    });
}

#[test]
fn a_device_of_lwm2m_1_0_is_managed_with_what_1_0_has() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("elder").version_1_0()).await;
        let page = device.page().await;
        assert!(page.fact("LwM2M").starts_with("1.0"), "{page}");
        let formats = device.formats("/3/0/0").await;
        assert!(
            !formats.iter().any(|format| format == "110" || format == "112" || format == "60"),
            "{formats:?}"
        );
        for format in ["", "0", "11542"] {
            device.read_as("/3/0/0", format).await.assert_done();
        }
        device.write("/1/0/1", "1200").await.assert_done();
        client.event("updated").await;
        device.observe(sensor).await.assert_done();
        client.run(&format!("set {sensor} 30.25")).await;
        let page = device.until_value(sensor, "30.25").await;
        assert!(!Device::value(&page, "/3/0/0").is_empty());
    });
}
