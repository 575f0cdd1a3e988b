//! The connection diary: what does not get in leaves an entry that says why, and what to do about it. By real clients where
//! one does so, by datagrams made by hand where none would.

use interop_tests::{
    ClientHello, Console, Deadline, Interface, NewClaim, Page, Peer, Raw, Security, Settings, Spec, Stage,
    Tap, Transport, alone, here, on_every_secure_peer, on_peers,
};

#[test]
fn what_never_began_a_handshake_is_in_the_diary() {
    alone(here!(), Settings::default(), async |subject| {
        let console = Console::set_up(subject).await;
        let secure = Raw::connect(subject.address(Interface::Management, Transport::Dtls)).await;
        let plain = Raw::connect(subject.coap()).await;
        secure.send(&coap_ping()).await;
        expect(&console, "plain-on-secure-port", LOOPBACK, "coaps://").await;
        plain.send(&ClientHello::psk().datagram()).await;
        expect(&console, "dtls-on-plain-port", LOOPBACK, "coap port").await;
        // Version 1, and an option longer than what is there (RFC 7252 §3).
        plain.send(&[0x40, 0x01, 0, 1, 0xbd, 0x01]).await;
        expect(&console, "malformed-message", LOOPBACK, "RFC 7252").await;
        for (number, (hello, cause, remedy)) in (1..).zip([
            (ClientHello::with_a_byte_of_extensions(), "malformed-handshake", "DTLS library"),
            (ClientHello::dtls_1_0(), "no-common-version", "DTLS 1.2"),
            (ClientHello::rsa_only(), "no-common-suite", "TLS_PSK_WITH_AES_128_CCM_8"),
        ]) {
            // One that was heard before is taken for a late one.
            let hello = ClientHello { random: [number; 32], ..hello };
            let raw = Raw::connect(subject.address(Interface::Management, Transport::Dtls)).await;
            raw.send_hello(hello).await;
            expect(&console, cause, LOOPBACK, remedy).await;
        }
    });
}

#[test]
fn a_handshake_that_stops_is_in_the_diary() {
    let settings = Settings { coaps: "handshake_timeout_s = 2".to_owned(), ..Settings::default() };
    on_peers(here!(), &Peer::ALL, &[Transport::Dtls], settings, |stage| async move {
        let spec = stage.with_key(Spec::new("cut-off"));
        let mut tap = Tap::before(stage.server_of(&spec));
        let _client = stage.peer.start(tap.address(), &spec);
        // Everything after the ServerHelloDone is lost.
        tap.next_from(interop_tests::Side::Server, "a ServerHello", is_server_hello).await;
        tap.lose(true);
        expect(&stage.console, "handshake-timed-out", LOOPBACK, "firewall").await;
    });
}

#[test]
fn a_handshake_that_the_client_ends_is_in_the_diary() {
    alone(here!(), Settings::default(), async |subject| {
        let console = Console::set_up(subject).await;
        let raw = Raw::connect(subject.address(Interface::Management, Transport::Dtls)).await;
        raw.send_hello(ClientHello::psk()).await;
        raw.next(std::time::Duration::from_secs(20)).await.expect("a ServerHello");
        // Fatal, internal_error (RFC 5246 §7.2), in record 257 of epoch 0: the one after the ClientHello's.
        raw.send(&[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 1, 0, 2, 2, 80]).await;
        let entry = expect(&console, "handshake-aborted", LOOPBACK, "log").await;
        assert!(entry.text("#detail").contains("internal_error"), "{entry}");
    });
}

#[test]
fn more_handshakes_than_the_bound_are_in_the_diary() {
    let settings = Settings {
        coaps: "max_handshakes = 2\nmax_handshakes_per_prefix = 2".to_owned(),
        ..Settings::default()
    };
    alone(here!(), settings, async |subject| {
        let console = Console::set_up(subject).await;
        let mut raws = Vec::new();
        for number in 0..6 {
            let raw = Raw::connect(subject.address(Interface::Management, Transport::Dtls)).await;
            let hello = ClientHello { random: [number; 32], ..ClientHello::psk() };
            raw.send_hello(hello).await;
            raws.push(raw);
        }
        let title = "Too many handshakes at one time";
        let entry = console.diary_entry_of("too-many-handshakes").await;
        assert_eq!(entry.text("h1"), title);
        assert!(entry.text("#remedy").contains("flood"), "{entry}");
    });
}

#[test]
fn credentials_that_open_nothing_are_in_the_diary() {
    on_every_secure_peer(here!(), |stage| async move {
        let console = &stage.console;
        // Rotated: the client comes back with the old key, after another has proved the new one.
        let spec = stage.with_key(Spec::new("rotated"));
        console.enrol(&spec).await;
        let device = console.device("rotated").await;
        let Security::Psk { identity, key } = &spec.security else { panic!("it was given one") };
        prove(&stage, identity, key).await;
        let key = device.rotate_by_hand(identity).await;
        prove(&stage, &key.identity, &key.key).await;
        let _old = stage.launch(&spec);
        expect(console, "credential-replaced", "rotated", "fell back").await;

        // At the wrong one of the two servers.
        let spec = stage.with_key(Spec::new("not-yet").bootstrap());
        console.enrol(&spec).await;
        let _bootstrap = stage.launch(&Spec { bootstrap: false, ..spec });
        let spec = stage.with_key(Spec::new("already"));
        console.enrol(&spec).await;
        let _management = stage.launch(&Spec { bootstrap: true, ..spec });
        expect(console, "bootstrap-credential-at-management", "not-yet", "bootstrap port").await;
        expect(console, "management-credential-at-bootstrap", "already", "management port").await;

        // Of a device that was removed.
        let spec = stage.with_key(Spec::new("taken-out"));
        console.enrol(&spec).await;
        console.device("taken-out").await.remove_but_keep().await;
        let _removed = stage.launch(&spec);
        expect(console, "device-removed", "taken-out", "add it anew").await;
    });
}

#[test]
fn requests_that_are_refused_are_in_the_diary() {
    alone(here!(), Settings { coap: "max_devices = 3".to_owned(), ..Settings::default() }, async |subject| {
        let console = Console::set_up(subject).await;
        let mut plain = Raw::connect(subject.coap()).await;
        let mut register =
            async |queries: &[&str], payload: &str| plain.post(&["rd"], queries, payload).await.code;
        assert_eq!(register(&["lwm2m=1.1", "b=U"], OBJECTS).await, "4.00");
        expect(&console, "missing-endpoint", LOOPBACK, "ep=").await;
        assert_eq!(register(&["ep=wrong-lifetime", "lwm2m=1.1", "lt=soon"], OBJECTS).await, "4.00");
        expect(&console, "malformed-register", "wrong-lifetime", "specification").await;
        assert_eq!(register(&["ep=from-the-future", "lwm2m=2.0"], OBJECTS).await, "4.12");
        expect(&console, "unsupported-version", "from-the-future", "lwm2m=1.1").await;
        assert_eq!(plain.post(&["rd", "nobody"], &[], "").await.code, "4.04");
        expect(&console, "unknown-registration", LOOPBACK, "register anew").await;

        let key = b"a key of its own";
        console.enrol(&Spec::new("owner").psk("owner", key)).await;
        let server = subject.address(Interface::Management, Transport::Dtls);
        let mut secure = Raw::connect_secure(server, "owner", key).await.expect("it is known");
        assert_eq!(secure.post(&["rd"], &["ep=other", "lwm2m=1.1"], OBJECTS).await.code, "4.00");
        let entry = console.diary_entry_of("endpoint-not-identity").await;
        assert!(entry.text("#remedy").contains("identity"), "{entry}");
        let queries = ["ep=owner", "lwm2m=1.1", "b=U"];
        assert_eq!(plain.post(&["rd"], &queries, OBJECTS).await.code, "4.03");
        expect(&console, "secured-endpoint-without-security", "owner", "coaps").await;

        for name in ["second", "third"] {
            let name = format!("ep={name}");
            assert_eq!(plain.post(&["rd"], &[&name, "lwm2m=1.1", "b=U"], OBJECTS).await.code, "2.01");
        }
        assert_eq!(plain.post(&["rd"], &["ep=fourth", "lwm2m=1.1", "b=U"], OBJECTS).await.code, "5.03");
        expect(&console, "fleet-full", "fourth", "raise the limit").await;
    });
}

#[test]
fn claims_that_enrol_nobody_any_more_are_in_the_diary() {
    on_every_secure_peer(here!(), |stage| async move {
        let console = &stage.console;
        let full = console.open_claim(&NewClaim::new("one alone", 1)).await;
        let mut first = stage.launch(&claimed("serial-1", &full));
        first.event("bootstrapped").await;
        let _second = stage.launch(&claimed("serial-2", &full));
        expect(console, "quota-used-up", "serial-2", "open a new").await;

        let later = NewClaim::new("later", 9).within("2100-01-01T00:00:00", "2100-02-01T00:00:00");
        let later = console.open_claim(&later).await;
        let _early = stage.launch(&claimed("serial-3", &later));
        let entry = console.diary_entry_of("claim-window-closed").await;
        assert!(entry.text("#remedy").contains("new claim"), "{entry}");
    });
}

#[test]
fn bootstraps_that_come_to_nothing_are_in_the_diary() {
    on_peers(here!(), &[Peer::Simulated], &[Transport::Udp], Settings::default(), |stage| async move {
        let console = &stage.console;
        let server = stage.subject.address(Interface::Bootstrap, Transport::Udp);
        for (name, writes, finish, cause, remedy) in [
            ("refuses", BAD_REQUEST, CHANGED, "bootstrap-refused", "out of the plan"),
            ("inconsistent", CHANGED, NOT_ACCEPTABLE, "inconsistent-configuration", "4.06"),
        ] {
            let mut raw = Raw::connect(server).await;
            let ep = format!("ep={name}");
            assert_eq!(raw.post(&["bs"], &[&ep, "pct=11542"], "").await.code, "2.04");
            raw.play_device(Some(writes), finish).await;
            expect(console, cause, name, remedy).await;
        }
    });
}

#[test]
fn a_bootstrap_that_falls_silent_is_in_the_diary() {
    alone(here!(), Settings::default(), async |subject| {
        let console = Console::set_up(subject).await;
        let mut raw = Raw::connect(subject.address(Interface::Bootstrap, Transport::Udp)).await;
        assert_eq!(raw.post(&["bs"], &["ep=falls-silent", "pct=11542"], "").await.code, "2.04");
        raw.play_device(None, CHANGED).await;
        // Four retransmissions, and the wait after the last (RFC 7252 §4.8.2).
        let deadline = Deadline::after(Deadline::USUAL * 3);
        let entry = console.diary_entry_by(deadline, "bootstrap-timed-out", "falls-silent").await;
        assert!(entry.text("#remedy").contains("same step"), "{entry}");
    });
}

#[test]
fn a_device_that_is_silent_for_too_long_is_in_the_diary() {
    on_peers(here!(), &Peer::ALL, &Transport::ALL, Settings::default(), |stage| async move {
        let (mut client, _) = stage.registered(Spec::new("too-quiet").lifetime(15)).await;
        client.run("pause").await;
        expect(&stage.console, "sleeping-too-long", "too-quiet", "lifetime").await;
    });
}

/// The entry of a cause about a subject, which says what to do.
async fn expect(console: &Console, cause: &str, subject: &str, remedy: &str) -> Page {
    let entry = console.diary_entry(cause, subject).await;
    assert!(entry.text("#remedy").contains(remedy), "{cause}: {remedy} in {entry}");
    entry
}

/// Opens a session at the management server, so that the key is proved.
async fn prove(stage: &Stage, identity: &str, key: &[u8]) {
    let server = stage.subject.address(Interface::Management, Transport::Dtls);
    Raw::connect_secure(server, identity, key).await.expect("it is known");
}

fn claimed(serial: &str, key: &interop_tests::Key) -> Spec {
    Spec::new(serial).psk(&key.identity, &key.key).bootstrap()
}

/// RFC 7252 §4.3: an empty confirmable message.
fn coap_ping() -> Vec<u8> {
    vec![0x40, 0, 0, 1]
}

/// A record with a ServerHello in it (RFC 6347 §4.3.2).
fn is_server_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(13) == Some(&2)
}

const LOOPBACK: &str = "127.0.0.1";
const OBJECTS: &str = "</1/0>,</3/0>";
// RFC 7252 §12.1.2: 2.04, 4.00, 4.06.
const CHANGED: u8 = 0x44;
const BAD_REQUEST: u8 = 0x80;
const NOT_ACCEPTABLE: u8 = 0x86;
