//! Datagrams as they are, for what no proper client sends (RFC 7252 §3).

mod hello;
pub use hello::ClientHello;

use std::{sync::Arc, time::Duration};

use tokio::net::UdpSocket;
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, conn::DTLSConn};

/// A socket, or a session of DTLS, without a client behind it.
pub struct Raw {
    line: Line,
    next_message: u16,
}

/// A handshake that came to nothing: the alert or the silence, in the words of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

enum Line {
    Plain(UdpSocket),
    Secure(Box<DTLSConn>),
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Such as `4.04`.
    pub code: String,
    /// Its Location-Path, such as `/rd/7`.
    pub location: String,
}

impl Raw {
    /// A socket that talks to the server.
    pub async fn connect(server: std::net::SocketAddr) -> Self {
        Self { line: Line::Plain(socket_to(server).await), next_message: 1 }
    }

    /// A session with the server, by a pre-shared key.
    ///
    /// # Errors
    /// If the handshake does not come to its end in [`Self::HANDSHAKE_WITHIN`].
    pub async fn connect_secure(
        server: std::net::SocketAddr,
        identity: &str,
        key: &[u8],
    ) -> Result<Self, Refused> {
        let key = key.to_vec();
        let config = Config {
            psk: Some(Arc::new(move |_| Ok(key.clone()))),
            // What it calls a hint is the identity where it is the client.
            psk_identity_hint: Some(identity.as_bytes().to_vec()),
            cipher_suites: vec![CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8],
            ..Config::default()
        };
        let handshake = DTLSConn::new(Arc::new(socket_to(server).await), config, true, None);
        match tokio::time::timeout(Self::HANDSHAKE_WITHIN, handshake).await {
            Ok(Ok(session)) => Ok(Self { line: Line::Secure(Box::new(session)), next_message: 1 }),
            Ok(Err(error)) => Err(Refused(error.to_string())),
            Err(_) => Err(Refused("the handshake timed out".to_owned())),
        }
    }

    /// How long a handshake may take.
    pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(20);

    /// Sends bytes that need not mean anything.
    pub async fn send(&self, datagram: &[u8]) {
        // The server may have closed its port on an earlier one; that shows elsewhere.
        match &self.line {
            Line::Plain(socket) => drop(socket.send(datagram).await),
            Line::Secure(session) => drop(session.write(datagram, None).await),
        }
    }

    /// Sends a ClientHello, and once more with the cookie that is the answer: before that nobody listens.
    ///
    /// # Panics
    /// If no HelloVerifyRequest comes.
    pub async fn send_hello(&self, hello: ClientHello) {
        self.send(&hello.datagram()).await;
        let answer = self.next(Duration::from_secs(20)).await.expect("a HelloVerifyRequest");
        self.send(&hello.with_cookie_of(&answer).expect("it has a cookie").datagram()).await;
    }

    /// The next datagram, if one comes in so much time.
    pub async fn next(&self, within: Duration) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        let received = async {
            match &self.line {
                Line::Plain(socket) => socket.recv(&mut buffer).await.ok(),
                Line::Secure(session) => session.read(&mut buffer, None).await.ok().filter(|len| *len > 0),
            }
        };
        let len = tokio::time::timeout(within, received).await.ok()??;
        buffer.truncate(len);
        Some(buffer)
    }

    /// Sends a confirmable POST with a link-format payload, and returns the answer.
    pub async fn post(&mut self, path: &[&str], queries: &[&str], payload: &str) -> Answer {
        self.request(POST, path, queries, payload).await
    }

    /// Sends a confirmable DELETE, and returns the answer.
    pub async fn delete(&mut self, path: &[&str]) -> Answer {
        self.request(DELETE, path, &[], "").await
    }

    /// Answers the server's requests as a device does that is being bootstrapped: Discover with an empty device, each
    /// Write with one code (or not at all), Finish with another. Ends when the server has nothing to ask for some seconds.
    pub async fn play_device(&mut self, writes: Option<u8>, finish: u8) {
        let mut answered = Vec::new();
        while let Some(request) = self.next(ANSWER_WITHIN).await {
            // Confirmable, a request, and not one that is only repeated.
            let is_request = request.len() >= 4 && request[0] >> 4 & 3 == 0 && matches!(request[1], 1..=7);
            if !is_request || answered.contains(&request[2..4].to_vec()) {
                continue;
            }
            answered.push(request[2..4].to_vec());
            let code = match request[1] {
                GET => CONTENT,
                POST => finish,
                _ => match writes {
                    Some(code) => code,
                    None => return,
                },
            };
            let token = &request[4..4 + usize::from(request[0] & 0x0f)];
            let mut response = vec![0x60 | request[0] & 0x0f, code, request[2], request[3]];
            response.extend(token);
            if request[1] == GET {
                response.extend([CONTENT_FORMAT << 4 | 1, LINK_FORMAT, 0xff]);
                response.extend(b"</>;lwm2m=1.1,</0/0>;uri=\"coap://127.0.0.1\",</1>,</3/0>");
            }
            self.send(&response).await;
        }
    }

    async fn request(&mut self, code: u8, path: &[&str], queries: &[&str], payload: &str) -> Answer {
        let id = self.next_message.to_be_bytes();
        self.next_message += 1;
        let mut datagram = vec![0x42, code, id[0], id[1], id[0], id[1]];
        let mut last = 0;
        path.iter().for_each(|segment| option(&mut datagram, &mut last, URI_PATH, segment.as_bytes()));
        if !payload.is_empty() {
            option(&mut datagram, &mut last, CONTENT_FORMAT, &[LINK_FORMAT]);
        }
        queries.iter().for_each(|query| option(&mut datagram, &mut last, URI_QUERY, query.as_bytes()));
        if !payload.is_empty() {
            datagram.push(0xff);
            datagram.extend(payload.as_bytes());
        }
        for _ in 0..RETRANSMISSIONS {
            self.send(&datagram).await;
            while let Some(bytes) = self.next(ANSWER_WITHIN).await {
                let bytes = &bytes[..];
                if bytes.get(2..4) == Some(&id) && bytes[1] != 0 {
                    return Answer::read(bytes);
                }
            }
        }
        panic!("no answer to {path:?} {queries:?}");
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let code = format!("{}.{:02}", bytes[1] >> 5, bytes[1] & 0x1f);
        let (mut rest, mut number, mut location) =
            (&bytes[4 + usize::from(bytes[0] & 0x0f)..], 0, String::new());
        while let Some((&first, after)) = rest.split_first().filter(|(first, _)| **first != 0xff) {
            rest = after;
            let mut extended = |nibble: u8| match nibble {
                13 => {
                    let value = 13 + usize::from(rest[0]);
                    rest = &rest[1..];
                    value
                }
                14 => {
                    let value = 269 + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                    rest = &rest[2..];
                    value
                }
                small => usize::from(small),
            };
            number += extended(first >> 4);
            let (value, after) = {
                let len = extended(first & 0x0f);
                rest.split_at(len)
            };
            rest = after;
            if number == LOCATION_PATH {
                location.push('/');
                location.push_str(&String::from_utf8_lossy(value));
            }
        }
        Self { code, location }
    }
}

// RFC 7252 §12.1 and §12.2.
const GET: u8 = 0x01;
const CONTENT: u8 = 0x45;
const POST: u8 = 0x02;
const DELETE: u8 = 0x04;
const LOCATION_PATH: usize = 8;
const URI_PATH: u8 = 11;
const CONTENT_FORMAT: u8 = 12;
const URI_QUERY: u8 = 15;
const LINK_FORMAT: u8 = 40;

const RETRANSMISSIONS: usize = 10;
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

async fn socket_to(server: std::net::SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
    socket.connect(server).await.expect("loopback is there");
    socket
}

fn option(datagram: &mut Vec<u8>, last: &mut u8, number: u8, value: &[u8]) {
    let delta = number - *last;
    *last = number;
    let length = u8::try_from(value.len()).expect("options of these tests are short");
    match length {
        0..13 => datagram.push(delta << 4 | length),
        _ => datagram.extend([delta << 4 | 13, length - 13]),
    }
    datagram.extend(value);
}
