//! Computations that fail, each in turn: nobody is let in by that, nothing is left, and the next one gets in.

use std::{sync::Arc, time::Duration};

use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

use super::*;
use crate::{Alert, Computed, Connect, Event, Known, Offer, Reason, SigningKey, Tag, job::Fault};

const AT: Duration = Duration::from_secs(1);

/// A server, then a client.
struct Two {
    sides: [Endpoint; 2],
    addresses: [SocketAddr; 2],
    jobs: usize,
    connected: usize,
    failures: Vec<Reason>,
}

impl Two {
    fn new(server: Config) -> Self {
        Self {
            sides: [Endpoint::new(server, [1; 32]), Endpoint::new(Config::default(), [2; 32])],
            addresses: ["192.0.2.1:5684", "192.0.2.2:40000"].map(|address| address.parse().unwrap()),
            jobs: 0,
            connected: 0,
            failures: Vec::new(),
        }
    }

    /// Opens a session, whose job `fails` comes to nothing.
    fn connect(&mut self, connect: &Connect, fails: Option<(usize, Fault)>) {
        (self.jobs, self.connected) = (0, 0);
        self.failures.clear();
        self.sides[1].connect(AT, self.addresses[0], connect.clone());
        while let Some((side, output)) = (0..2).find_map(|side| Some((side, self.sides[side].poll_output()?)))
        {
            match output {
                Output::Transmit { mut bytes, .. } => {
                    self.sides[1 - side].handle_datagram(AT, self.addresses[side], &mut bytes);
                }
                Output::Event(event) => self.answer(side, event, fails),
            }
        }
    }

    fn answer(&mut self, side: usize, event: Event, fails: Option<(usize, Fault)>) {
        let endpoint = &mut self.sides[side];
        match event {
            Event::Compute(job) => {
                let handshake = job.handshake;
                let computed = match fails {
                    Some((at, fault)) if at == self.jobs => Computed { handshake, done: Err(fault) },
                    _ => job.run(&SystemRandom::new(), UnixTime::since_unix_epoch(AT)),
                };
                self.jobs += 1;
                endpoint.computed(AT, computed);
            }
            Event::Identify { handshake, .. } => {
                endpoint.identified(AT, handshake, Ok(Known { tag: Tag(1), key: None, shared: false }));
            }
            Event::Opened { handshake, .. } => endpoint.admitted(AT, handshake, Ok(())),
            Event::Connected { .. } => self.connected += 1,
            Event::Failed(failure) => self.failures.push(failure.reason),
            _ => {}
        }
    }
}

#[test]
fn a_computation_that_fails_lets_nobody_in_and_leaves_nothing() {
    let key = || {
        let pair = rcgen::KeyPair::generate().unwrap();
        Arc::new(SigningKey::from_pkcs8(&pair.serialize_der(), &SystemRandom::new()).unwrap())
    };
    let (server_key, key) = (key(), key());
    let offer = Offer::RawPublicKey { key, server: server_key.public().to_vec() };
    let connect = Connect { offer, suites: Vec::new(), server_name: None, connection_id: true, resume: None };
    let mut two = Two::new(Config { raw_key: Some(server_key), ..Config::default() });
    // The server's offer, the client's agreement and its signature, and what the server makes of both.
    for at in 0..4 {
        for (fault, reason, alert) in [
            (Fault::Own, Reason::Computation, Alert::INTERNAL_ERROR),
            (Fault::Signature, Reason::WrongSignature, Alert::DECRYPT_ERROR),
            (Fault::Key, Reason::Malformed { what: "certificate" }, Alert::BAD_CERTIFICATE),
            (Fault::Point, Reason::Malformed { what: "public key" }, Alert::ILLEGAL_PARAMETER),
        ] {
            two.connect(&connect, Some((at, fault)));
            assert_eq!((two.jobs, two.connected), (at + 1, 0));
            // Either side's may be noted first.
            let told = [reason, Reason::AlertReceived(alert)];
            assert_eq!(two.failures.len(), 2);
            assert!(told.iter().all(|told| two.failures.contains(told)), "{:?}", two.failures);
            assert_eq!(two.sides.each_ref().map(Endpoint::usage), [Usage::default(); 2]);
            assert_eq!(two.sides.each_ref().map(Endpoint::poll_timeout), [None; 2]);
        }
        two.connect(&connect, None);
        assert_eq!((two.jobs, two.connected, &two.failures[..]), (4, 2, &[][..]));
        two.sides.iter_mut().for_each(|side| side.end_tag(AT, Tag(1)));
        two.sides[1].end_tag(AT, Tag(0));
        two.sides.iter_mut().for_each(|side| while side.poll_output().is_some() {});
    }
}

#[test]
fn an_answer_to_what_is_over_or_was_not_asked_is_nothing() {
    let mut two = Two::new(Config::default());
    for handshake in [HandshakeId(0), HandshakeId(1), HandshakeId(u64::MAX)] {
        for side in &mut two.sides {
            side.identified(AT, handshake, Err(Alert::ACCESS_DENIED));
            side.admitted(AT, handshake, Ok(()));
            side.resumed(AT, handshake, None);
            side.computed(AT, Computed { handshake, done: Err(Fault::Own) });
            side.reserved(SessionId(handshake.0), 9);
            side.confirm(SessionId(handshake.0));
            side.end(AT, SessionId(handshake.0));
            assert_eq!((side.usage(), side.poll_output().is_none()), (Usage::default(), true));
        }
    }
}
