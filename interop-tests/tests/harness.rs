//! The harness itself, without Muster: peers, and what is made by hand, against a server of webrtc-dtls that takes every
//! Register, and bootstraps whoever asks.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use coap::{Code, Kind, Message, MessageId, OptionNumber, Token};
use interop_tests::{ClientHello, Peer, Raw, Side, Spec, Tap, Transport};
use tokio::task::JoinHandle;
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, listener};
use webrtc_util::conn::{Conn, Listener};

const IDENTITY: &str = "who";
const KEY: [u8; 16] = *b"sixteen bytes 16";
const MANAGEMENT_IDENTITY: &str = "whom";
const MANAGEMENT_KEY: [u8; 16] = *b"other sixteen by";

#[test]
fn every_peer_registers_over_dtls() {
    run(async {
        for peer in Peer::ALL {
            if let Err(missing) = peer.prepare(Transport::Dtls) {
                missing.skip(&format!("registration over DTLS with {}", peer.name()));
                continue;
            }
            let server = StandIn::start(KEY, Vec::new()).await;
            let spec = Spec::new("keyed").psk(IDENTITY, &KEY);
            let mut client = peer.start(server.address, &spec);
            let registered = client.event("registered").await;
            assert_eq!(registered.text("location"), "/rd/1", "{}", peer.name());
        }
    });
}

#[test]
fn every_peer_is_bootstrapped_over_dtls_and_registers_where_it_is_told() {
    run(async {
        for peer in Peer::ALL {
            if let Err(missing) = peer.prepare(Transport::Dtls) {
                missing.skip(&format!("bootstrap over DTLS with {}", peer.name()));
                continue;
            }
            let management = StandIn::start(MANAGEMENT_KEY, Vec::new()).await;
            let bootstrap = StandIn::start(KEY, account_at(management.address)).await;
            let spec = Spec::new("newborn").psk(IDENTITY, &KEY).bootstrap();
            let mut client = peer.start(bootstrap.address, &spec);
            client.event("bootstrapped").await;
            let registered = client.event("registered").await;
            assert_eq!(registered.text("location"), "/rd/1", "{}", peer.name());
        }
    });
}

#[test]
fn a_tap_loses_what_it_is_told_to_and_adds_what_it_is_given() {
    run(async {
        let server = StandIn::start(KEY, Vec::new()).await;
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
        let server = StandIn::start(KEY, Vec::new()).await;
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
        let server = StandIn::start(KEY, Vec::new()).await;
        let raw = Raw::connect(server.address).await;
        for fragment in ClientHello::psk().fragments(20) {
            raw.send(&fragment).await;
        }
        let answer = raw.next(Duration::from_secs(10)).await.expect("it is answered");
        assert_eq!((answer[0], answer[13]), (22, 3), "a HelloVerifyRequest");
    });
}

/// A server that answers every request 2.01, with a location, and a Bootstrap-Request with these requests.
struct StandIn {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl StandIn {
    async fn start(key: [u8; 16], bootstrap: Vec<Message>) -> Self {
        let config = Config {
            psk: Some(Arc::new(move |_| Ok(key.to_vec()))),
            // With an empty one it would send a ServerKeyExchange that is not well-formed.
            psk_identity_hint: None,
            cipher_suites: vec![CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8],
            ..Config::default()
        };
        let listener = listener::listen("127.0.0.1:0", config).await.expect("a port is free");
        let address = listener.addr().await.expect("it is bound");
        let bootstrap: Arc<[Message]> = bootstrap.into();
        let task = tokio::spawn(async move {
            loop {
                if let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(serve(connection, Arc::clone(&bootstrap)));
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

async fn serve(connection: Arc<dyn Conn + Send + Sync>, bootstrap: Arc<[Message]>) {
    let mut requests = bootstrap.iter();
    let mut buffer = vec![0; 2_048];
    while let Ok(len @ 1..) = connection.recv(&mut buffer).await {
        let Ok(message) = Message::parse(&buffer[..len]) else { continue };
        let mut replies = Vec::new();
        if message.code.is_request() {
            let is_bootstrap = message.options.get(OptionNumber::URI_PATH) == Some(b"bs");
            let code = if is_bootstrap { Code::CHANGED } else { Code::CREATED };
            let mut response = Message::new(Kind::Acknowledgement, code, message.id, message.token);
            if !is_bootstrap {
                response.options.push(OptionNumber::LOCATION_PATH, "rd");
                response.options.push(OptionNumber::LOCATION_PATH, "1");
            }
            replies.push(response);
            replies.extend(requests.next().filter(|_| is_bootstrap).cloned());
        } else if message.code.is_response() {
            // Leshan answers the Finish by a message of its own, and goes on when that is acknowledged.
            let is_separate = message.kind == Kind::Confirmable;
            replies.extend(is_separate.then(|| Message::empty(Kind::Acknowledgement, message.id)));
            replies.extend(requests.next().cloned());
        }
        for reply in replies {
            drop(connection.send(&reply.to_bytes().expect("it is short")).await);
        }
    }
}

/// The requests that make a device register at a server (LwM2M Core 1.1.1 §6.1.7, §E.1, §E.2), in TLV.
fn account_at(server: SocketAddr) -> Vec<Message> {
    let uri = format!("coaps://{server}");
    let security = [
        resource(0, uri.as_bytes()),
        resource(1, &[0]),
        resource(2, &[0]),
        resource(3, MANAGEMENT_IDENTITY.as_bytes()),
        resource(4, &[]),
        resource(5, &MANAGEMENT_KEY),
        resource(10, &[123]),
    ];
    let account = [resource(0, &[123]), resource(1, &[60]), resource(6, &[0]), resource(7, b"U")];
    let write = |id, path: [&str; 2], payload| {
        let mut message = request(Code::new(0, 3), id, &path);
        message.options.push_uint(OptionNumber::CONTENT_FORMAT, 11_542);
        message.payload = payload;
        message
    };
    vec![
        write(1_000, ["0", "1"], security.concat()),
        write(1_001, ["1", "0"], account.concat()),
        request(Code::new(0, 2), 1_002, &["bs"]),
    ]
}

fn request(code: Code, id: u16, path: &[&str]) -> Message {
    let token = Token::new(&id.to_be_bytes()).expect("a token may have two bytes");
    let mut message = Message::new(Kind::Confirmable, code, MessageId(id), token);
    path.iter().for_each(|segment| message.options.push(OptionNumber::URI_PATH, *segment));
    message
}

/// A resource with a short value (LwM2M Core 1.1.1 §7.4.3).
fn resource(id: u8, value: &[u8]) -> Vec<u8> {
    let len = u8::try_from(value.len()).expect("values here are short");
    let header = if len < 8 { vec![0xc0 | len, id] } else { vec![0xc8, id, len] };
    [header, value.to_vec()].concat()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(test);
}
