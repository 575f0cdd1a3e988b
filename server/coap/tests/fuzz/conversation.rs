//! What holds for every conversation: no panic, no endless work, no answer that is longer than a bound, and nothing left
//! behind once every timer has run out and the caller has answered everything.

use std::time::Duration;

use coap::{
    BlockSize, Boot, Bounds, Code, Config, Endpoint, Event, Kind, Message, MessageId, Method, Observe,
    Output, Request, Response, Token, Usage,
};

/// Reads the bytes as a script of datagrams, pauses and verbs of the caller, and plays it.
pub(crate) fn hold(script: &[u8]) {
    let bounds = Bounds {
        exchanges_per_peer: 3,
        remembered_per_peer: 20,
        queue_per_peer: 6,
        body_bytes: 3000,
        transfers_per_peer: 2,
        block_bytes_per_peer: 5000,
        observations_per_peer: 3,
        notifications_per_peer: 2,
        message_ids_per_lifetime: 200,
        ..Bounds::default()
    };
    let config = Config { bounds, block_size: BlockSize::B64, ..Config::default() };
    let mut play = Play {
        endpoint: Endpoint::new(config, Boot { number: 1, seed: [1; 32] }),
        now: Duration::from_secs(1),
        script: Script(script),
        last: None,
        tokens: Vec::new(),
        open: Vec::new(),
    };
    while let Some(verb) = play.script.byte() {
        play.act(verb);
        play.drain();
    }
    play.end();
}

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }
}

struct Play<'a> {
    endpoint: Endpoint<u8>,
    now: Duration,
    script: Script<'a>,
    /// The latest confirmable message of the endpoint, to be answered.
    last: Option<Message>,
    tokens: Vec<Token>,
    open: Vec<Event<u8>>,
}

impl Play<'_> {
    fn act(&mut self, verb: u8) {
        let (now, peer) = (self.now, verb >> 6 & 1);
        match verb & 0x0f {
            0 => {
                let bytes = self.script.bytes();
                self.endpoint.handle_datagram(now, peer, bytes);
            }
            // A datagram with a good header, and one that answers what was sent last.
            1 | 2 => self.datagram(peer, verb),
            3 => self.answer(peer),
            4 => {
                self.now += Duration::from_millis(u64::from(self.script.byte().unwrap_or(0)) * 500);
                self.endpoint.handle_timeout(self.now);
            }
            5 => {
                let payload = vec![7; usize::from(self.script.byte().unwrap_or(0)) * 13];
                let request = Request { payload, ..Request::new(Method::Put, "5/0/0") };
                let _ = self.endpoint.send_request(now, peer, request);
            }
            6 => {
                let observe = Some(if verb & 0x10 == 0 { Observe::Register } else { Observe::Deregister });
                let token = self.tokens.last().copied().filter(|_| verb & 0x20 != 0);
                let request = Request { observe, token, ..Request::new(Method::Get, "3/0") };
                let _ = self.endpoint.send_request(now, peer, request);
            }
            7 => {
                let _ = self.endpoint.send_request(now, peer, Request::new(Method::Fetch, ""));
            }
            8..=10 => self.decide(verb),
            11 => self.endpoint.move_peer(now, peer, verb >> 5 & 1),
            12 => self.endpoint.forget_peer(now, peer),
            13 => {
                if let Some(token) = self.tokens.pop() {
                    self.endpoint.forget_observation(now, peer, &token);
                }
            }
            14 => {
                let token = Token::new(&[verb]).unwrap_or_default();
                self.tokens.push(token);
                self.endpoint.observe_restored(now, peer, token, Request::new(Method::Get, "3/0"), None);
            }
            _ => {
                let response = Response { observe: Some(u32::from(verb)), ..Response::new(Code::CONTENT) };
                let payload = vec![verb; usize::from(self.script.byte().unwrap_or(0))];
                let response = response.with_payload(0, payload);
                let _ = self.endpoint.notify(now, peer, Token::default(), &response, verb & 0x10 != 0);
            }
        }
    }

    fn datagram(&mut self, peer: u8, verb: u8) {
        let kind = [Kind::Confirmable, Kind::NonConfirmable][usize::from(verb >> 4 & 1)];
        let code = self.script.byte().unwrap_or(1);
        let id = MessageId(u16::from(self.script.byte().unwrap_or(0)));
        let token = self.tokens.last().copied().filter(|_| verb & 0x20 != 0).unwrap_or_default();
        let header = Message { code: code.into(), ..Message::new(kind, Code::EMPTY, id, token) };
        self.deliver(peer, &header);
    }

    /// A reply to what was sent last, with options and payload from the script.
    fn answer(&mut self, peer: u8) {
        let Some(last) = self.last.clone() else { return };
        let shape = self.script.byte().unwrap_or(0);
        let code = [0x45, 0x44, 0x5f, 0x8d, 0x80, 0x00][usize::from(shape & 7) % 6];
        let kind = if shape & 8 == 0 { Kind::Acknowledgement } else { Kind::Confirmable };
        let id = if shape & 8 == 0 { last.id } else { MessageId(u16::from(shape) << 8 | 1) };
        let token = if code == 0 { Token::default() } else { last.token };
        self.deliver(peer, &Message { code: code.into(), ..Message::new(kind, Code::EMPTY, id, token) });
    }

    fn deliver(&mut self, peer: u8, header: &Message) {
        let tail = self.script.bytes();
        let Ok(mut bytes) = header.to_bytes() else { return };
        bytes.extend_from_slice(tail);
        self.endpoint.handle_datagram(self.now, peer, &bytes);
    }

    /// The caller's verdict on something it was handed.
    fn decide(&mut self, verb: u8) {
        if self.open.is_empty() {
            return;
        }
        let event = self.open.remove(usize::from(verb >> 4) % self.open.len());
        let now = self.now;
        match (event, verb & 3) {
            (Event::Request { exchange, .. }, 0) => self.endpoint.drop_exchange(now, exchange),
            (Event::Request { exchange, .. }, _) => {
                let len = usize::from(self.script.byte().unwrap_or(0)) * 11;
                let response = Response::new(Code::CONTENT).with_payload(0, vec![3; len]);
                self.endpoint.respond(now, exchange, response);
            }
            (Event::Notification { id, .. }, 0) => self.endpoint.drop_notification(now, id),
            (Event::Notification { id, .. }, 1) => self.endpoint.reject_notification(now, id),
            (Event::Notification { id, .. }, _) => self.endpoint.accept_notification(now, id),
            _ => {}
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { bytes, .. } => {
                    let message = Message::parse(&bytes).expect("an endpoint sends well-formed messages");
                    assert!(bytes.len() <= 200, "blocks are small here: {message:?}");
                    if message.kind == Kind::Confirmable {
                        self.tokens.push(message.token);
                        self.last = Some(message);
                    }
                }
                Output::Event(event @ (Event::Request { .. } | Event::Notification { .. })) => {
                    self.open.push(event)
                }
                Output::Event(_) => {}
            }
        }
    }

    /// The caller answers everything and forgets both peers; then time runs on until nothing is left.
    fn end(mut self) {
        for verb in 0.. {
            if self.open.is_empty() {
                break;
            }
            self.decide(8 | verb & 3);
            self.drain();
        }
        for peer in 0..2 {
            self.endpoint.forget_peer(self.now, peer);
        }
        self.drain();
        for _ in 0..100_000 {
            let Some(next) = self.endpoint.poll_timeout() else { break };
            self.now = self.now.max(next);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        assert_eq!(self.endpoint.usage(), Usage::default(), "all comes to an end");
    }
}
