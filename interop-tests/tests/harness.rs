//! The harness itself, without Muster: peers, and what is made by hand, against a server of webrtc-dtls that takes every
//! Register.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use coap::{Code, Kind, Message, OptionNumber};
use interop_tests::{ClientHello, Peer, Raw, Side, Spec, Tap, Transport};
use tokio::task::JoinHandle;
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, listener};
use webrtc_util::conn::{Conn, Listener};

const IDENTITY: &str = "who";
const KEY: [u8; 16] = *b"sixteen bytes 16";

#[test]
fn every_peer_registers_over_dtls() {
    run(async {
        for peer in Peer::ALL {
            if let Err(missing) = peer.prepare(Transport::Dtls) {
                missing.skip(&format!("registration over DTLS with {}", peer.name()));
                continue;
            }
            let server = StandIn::start().await;
            let spec = Spec::new("keyed").psk(IDENTITY, &KEY);
            let mut client = peer.start(server.address, &spec);
            let registered = client.event("registered").await;
            assert_eq!(registered.text("location"), "/rd/1", "{}", peer.name());
        }
    });
}

#[test]
fn a_tap_loses_what_it_is_told_to_and_adds_what_it_is_given() {
    run(async {
        let server = StandIn::start().await;
        let mut tap = Tap::before(server.address);
        let raw = Raw::connect(tap.address()).await;
        let hello = ClientHello::psk().datagram();
        tap.lose(true);
        raw.send(&hello).await;
        assert_eq!(raw.next(Duration::from_millis(200)).await, None);
        tap.lose(false);
        tap.inject(Side::Server, &hello).await;
        // It has not heard the client, so that only the tap hears the answer.
        let is_answer = |bytes: &[u8]| bytes[0] == 22;
        tap.next_from(Side::Server, "the answer to an injected ClientHello", is_answer).await;
    });
}

#[test]
fn a_proper_client_hello_is_answered_with_a_cookie() {
    run(async {
        let server = StandIn::start().await;
        let raw = Raw::connect(server.address).await;
        let hello = ClientHello::psk();
        raw.send(&hello.datagram()).await;
        let answer = raw.next(Duration::from_secs(10)).await.expect("it is answered");
        let hello = hello.with_cookie_of(&answer).expect("the answer is a HelloVerifyRequest");
        raw.send(&hello.datagram()).await;
        let answer = raw.next(Duration::from_secs(10)).await.expect("it is answered");
        assert_eq!((answer[0], answer[13]), (22, 2), "a ServerHello");
    });
}

#[test]
fn a_fragmented_client_hello_is_a_client_hello() {
    run(async {
        let server = StandIn::start().await;
        let raw = Raw::connect(server.address).await;
        for fragment in ClientHello::psk().fragments(20) {
            raw.send(&fragment).await;
        }
        let answer = raw.next(Duration::from_secs(10)).await.expect("it is answered");
        assert_eq!((answer[0], answer[13]), (22, 3), "a HelloVerifyRequest");
    });
}

/// A server that answers every request 2.01, with a location.
struct StandIn {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl StandIn {
    async fn start() -> Self {
        let config = Config {
            psk: Some(Arc::new(|_| Ok(KEY.to_vec()))),
            // With an empty one it would send a ServerKeyExchange that is not well-formed.
            psk_identity_hint: None,
            cipher_suites: vec![CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8],
            ..Config::default()
        };
        let listener = listener::listen("127.0.0.1:0", config).await.expect("a port is free");
        let address = listener.addr().await.expect("it is bound");
        let task = tokio::spawn(async move {
            loop {
                if let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(answer(connection));
                }
            }
        });
        Self { address, task }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(connection: Arc<dyn Conn + Send + Sync>) {
    let mut buffer = vec![0; 2_048];
    while let Ok(len @ 1..) = connection.recv(&mut buffer).await {
        let Ok(request) = Message::parse(&buffer[..len]) else { continue };
        if !request.code.is_request() {
            continue;
        }
        let mut response = Message::new(Kind::Acknowledgement, Code::CREATED, request.id, request.token);
        response.options.push(OptionNumber::LOCATION_PATH, "rd");
        response.options.push(OptionNumber::LOCATION_PATH, "1");
        drop(connection.send(&response.to_bytes().expect("it is short")).await);
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(test);
}
