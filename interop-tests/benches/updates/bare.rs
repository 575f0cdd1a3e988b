//! The bare exchange: a peer that knows CoAP and nothing else, and writes the same blocks to whoever registers with it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
    thread,
    time::Instant,
};

use coap::{
    BlockSize, Boot, Code, Config, Endpoint, Event, Method, Output, Request, Response, Sent, Transfer,
};
use tokio::net::UdpSocket;

use super::stage::runtime;

/// Starts it in a thread of its own, for as long as this process lives. Where it listens.
pub(crate) fn start(image: Vec<u8>) -> SocketAddr {
    let (address_in, address) = mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async move {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a port");
            let _ = address_in.send(socket.local_addr().expect("it is bound"));
            Bare { socket, image, transfer: None, origin: Instant::now() }.run().await;
        });
    });
    address.recv().expect("the thread has a socket")
}

struct Bare {
    socket: UdpSocket,
    image: Vec<u8>,
    transfer: Option<(SocketAddr, Transfer)>,
    origin: Instant,
}

impl Bare {
    async fn run(mut self) {
        let mut config = Config::default();
        // It knows whom it talks to.
        config.bounds.unverified_reply_bytes = usize::MAX;
        let mut endpoint = Endpoint::new(config, Boot { number: 1, seed: [3; 32] });
        let mut buffer = vec![0; 2_048];
        loop {
            while let Some(output) = endpoint.poll_output() {
                match output {
                    Output::Transmit { peer, bytes } => {
                        // One that can't be sent is sent again.
                        drop(self.socket.try_send_to(&bytes, peer));
                    }
                    Output::Event(event) => self.take(&mut endpoint, event),
                }
            }
            let wake = endpoint.poll_timeout().map(|at| (self.origin + at).into());
            let wake = wake.unwrap_or_else(|| tokio::time::Instant::now() + IDLE);
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => if let Ok((len, from)) = received {
                    endpoint.handle_datagram(self.origin.elapsed(), from, &buffer[..len]);
                },
                () = tokio::time::sleep_until(wake) => endpoint.handle_timeout(self.origin.elapsed()),
            }
        }
    }

    fn take(&mut self, endpoint: &mut Endpoint<SocketAddr>, event: Event<SocketAddr>) {
        let now = self.origin.elapsed();
        match event {
            Event::Request { peer, exchange, request, .. } => {
                let is_register = request.method == Method::Post && request.path == ["rd"];
                let code = if is_register { Code::CREATED } else { Code::CHANGED };
                let mut response = Response::new(code);
                if is_register {
                    response.location_path = vec!["rd".to_owned(), "1".to_owned()];
                }
                endpoint.respond(now, exchange, response);
                if is_register {
                    let transfer = Transfer::new(self.image.len(), 0, BlockSize::B1024);
                    self.transfer = transfer.map(|transfer| (peer, transfer));
                    self.send(endpoint);
                }
            }
            Event::Response { outcome, .. } => {
                let response = outcome.expect("nothing is lost on a loopback");
                let Some((_, transfer)) = &mut self.transfer else { return };
                match transfer.on_response(&response) {
                    Sent::Next => self.send(endpoint),
                    Sent::Done => self.transfer = None,
                    other => panic!("the device says {other:?} with {}", response.code),
                }
            }
            _ => {}
        }
    }

    fn send(&self, endpoint: &mut Endpoint<SocketAddr>) {
        let Some((peer, transfer)) = &self.transfer else { return };
        let request = Request {
            payload: self.image[transfer.due()].to_vec(),
            content_format: Some(OPAQUE),
            part: Some(transfer.part()),
            ..Request::new(Method::Put, "5/0/0")
        };
        endpoint.send_request(self.origin.elapsed(), *peer, request).expect("one request at a time");
    }
}

/// application/octet-stream.
const OPAQUE: u16 = 42;

/// How long it waits if it waits for nothing.
const IDLE: std::time::Duration = std::time::Duration::from_secs(60);
