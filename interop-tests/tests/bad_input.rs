//! What no proper client sends (LwM2M Transport 1.1.1 §6.4.3, §6.7).

use interop_tests::{Console, Interface, Raw, Settings, Spec, Stage, Transport, alone, here, on_every_peer};

const OBJECTS: &str = "</1/0>,</3/0>";

#[test]
fn a_malformed_register_is_answered_bad_request() {
    alone(here!(), Settings::default(), async |subject| {
        let mut raw = Raw::connect(subject.coap()).await;
        for (queries, payload) in [
            (&["ep=bad", "b=U"][..], OBJECTS),
            (&["lwm2m=1.1", "b=U"], OBJECTS),
            (&["ep=", "lwm2m=1.1"], OBJECTS),
            (&["ep=bad", "lwm2m=1.1", "lt=soon"], OBJECTS),
            (&["ep=bad", "lwm2m=1.1"], ""),
            (&["ep=bad", "lwm2m=1.1"], "no link at all"),
        ] {
            assert_eq!(raw.post(&["rd"], queries, payload).await.code, "4.00", "{queries:?} {payload:?}");
        }
        let console = Console::set_up(subject).await;
        assert!(!console.open("/devices").await.has("#devices"), "none of them became a device");
    });
}

#[test]
fn a_version_that_is_not_spoken_is_answered_precondition_failed() {
    alone(here!(), Settings::default(), async |subject| {
        let mut raw = Raw::connect(subject.coap()).await;
        for version in ["lwm2m=1.2", "lwm2m=2.0", "lwm2m=0.9"] {
            assert_eq!(
                raw.post(&["rd"], &["ep=future", version, "lt=60"], OBJECTS).await.code,
                "4.12",
                "{version}"
            );
        }
        // As a device does after it: it falls back.
        let answer = raw.post(&["rd"], &["ep=future", "lwm2m=1.1", "lt=60"], OBJECTS).await;
        assert_eq!(answer.code, "2.01");
    });
}

#[test]
fn an_unknown_registration_is_answered_not_found() {
    alone(here!(), Settings::default(), async |subject| {
        let mut raw = Raw::connect(subject.coap()).await;
        assert_eq!(raw.post(&["rd", "nobody"], &[], "").await.code, "4.04");
        assert_eq!(raw.delete(&["rd", "nobody"]).await.code, "4.04");
        assert_eq!(raw.post(&["nowhere"], &[], "").await.code, "4.04");
    });
}

#[test]
fn a_registration_lives_from_register_to_deregister() {
    alone(here!(), Settings::default(), async |subject| {
        let mut raw = Raw::connect(subject.coap()).await;
        let registered = raw.post(&["rd"], &["ep=bare", "lwm2m=1.1", "lt=60", "b=U"], OBJECTS).await;
        assert_eq!(registered.code, "2.01");
        let location: Vec<&str> = registered.location.split('/').filter(|part| !part.is_empty()).collect();
        assert_eq!(location[0], "rd", "{registered:?}");
        assert_eq!(raw.post(&location, &["lt=120"], "").await.code, "2.04");
        let mut stranger = Raw::connect(subject.coap()).await;
        assert_eq!(
            stranger.post(&location, &[], "").await.code,
            "4.04",
            "from another address it is not theirs"
        );
        assert_eq!(raw.delete(&location).await.code, "2.02");
        assert_eq!(raw.post(&location, &[], "").await.code, "4.04");
    });
}

#[test]
fn garbage_does_no_harm() {
    on_every_peer(here!(), |mut stage: Stage| async move {
        let (mut client, device) = stage.registered(Spec::new("undisturbed")).await;
        for transport in Transport::ALL {
            let raw = Raw::connect(stage.subject.address(Interface::Management, transport)).await;
            for datagram in garbage(100) {
                raw.send(&datagram).await;
            }
        }
        assert!(stage.subject.is_running());
        device.read("/3/0/0").await.assert_done();
        assert!(!client.has_told("registration-failed"));
        assert_eq!(device.page().await.text("#device-state .badge"), "Awake");
    });
}

/// Bytes without a meaning, and beginnings of messages that break off; the same in every run.
fn garbage(count: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|number| {
        let mut state = number.wrapping_mul(2_654_435_761) | 1;
        let len = usize::try_from(number % 61).expect("it is small");
        let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
            // xorshift32
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_be_bytes()[0]
        })
        .take(len)
        .collect();
        if let (true, Some(first)) = (number % 2 == 0, bytes.first_mut()) {
            *first = 0x44; // Version 1, CON, a token of four bytes.
        }
        bytes
    })
}
