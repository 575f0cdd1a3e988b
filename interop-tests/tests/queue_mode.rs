//! Queue mode (LwM2M Transport 1.1.1 §6.5), operations that wait, and devices that do not answer.

use std::time::Duration;

use interop_tests::{Deadline, Peer, Settings, Spec, Transport, here, on_every_peer, on_peers};

#[test]
fn operations_for_a_sleeping_device_wait_for_its_next_uplink() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("sleeper").queue_mode().lifetime(3_000)).await;
        assert!(device.page().await.text("#device-facts").contains("queue mode"));
        // MAX_TRANSMIT_WAIT (93 s, RFC 7252 §4.8.2) after its last message it does not listen any more.
        let asleep = |page: &interop_tests::Page| page.text("#device-state .badge") == "Asleep";
        device.until_by(Deadline::after(Duration::from_secs(150)), "the device to fall asleep", asleep).await;
        let write = device.write(text, new).await;
        assert_eq!(write.state(), "Waiting", "{}", write.0);
        let read = device.read(text).await;
        assert_eq!(read.state(), "Waiting", "{}", read.0);
        assert!(!client.has_told("write"), "nothing is sent to a sleeping device");
        client.run(&format!("send {sensor}")).await;
        client.event_at("write", text).await;
        device.until_ended(&write).await.assert_done();
        device.until_ended(&read).await.assert_done();
        assert_eq!(device.value_of(text).await, new, "in the order they were asked");
    });
}

#[test]
fn an_operation_that_waits_can_be_cancelled() {
    // The kill would end a session of DTLS.
    on_peers(here!(), &Peer::ALL, &[Transport::Udp], Settings::default(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("changed-my-mind").queue_mode()).await;
        // After a start the server does not know whether the device listens, and takes it for asleep.
        stage.subject.kill();
        stage.subject.start_again().await;
        let write = device.write(text, new).await;
        assert_eq!(write.state(), "Waiting", "{}", write.0);
        let page = device.submit_any(write.0.press("button[formaction$='/cancel']")).await;
        assert_eq!(page.text("#operation .badge"), "Cancelled", "{page}");
        client.run(&format!("send {sensor}")).await;
        client.event("sent").await;
        device.read(text).await.assert_done();
        assert!(!client.has_told("write"), "what was cancelled is not sent");
    });
}

#[test]
fn an_operation_that_is_not_answered_ends_and_the_next_one_works() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("mute")).await;
        client.run("pause").await;
        // Four retransmissions, and the wait after the last (RFC 7252 §4.8.2).
        let report = device.read("/3/0/0").await;
        assert_eq!(report.state(), "Failed", "{}", report.0);
        assert!(report.result().contains("did not answer in time"), "{}", report.result());
        client.run("resume").await;
        device.read("/3/0/0").await.assert_done();
    });
}
