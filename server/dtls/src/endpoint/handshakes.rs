//! The handshakes under way: what drives them on, and how they end.

use std::{net::SocketAddr, time::Duration};

use super::{Endpoint, hello::Network};
use crate::{
    Alert, Computed, Connect, Ended, Event, Failure, HandshakeId, Known, Output, Reason, Saved, SessionId,
    Tag, client,
    handshake::{Context, Fall, Next},
    message::Fragment,
    record::{self, ALERT, Record},
    server,
    session::Session,
};

/// A handshake of either role.
pub(super) enum Handshake {
    Client(Box<client::Handshake>),
    Server(Box<server::Handshake>),
}

impl Endpoint {
    /// Opens a session, as the client. It ends in [`Event::Connected`] or in [`Event::Failed`].
    pub fn connect(&mut self, now: Duration, to: SocketAddr, connect: Connect) -> HandshakeId {
        if let Some(&older) = self.connecting.get(&to) {
            self.fall(now, older, Fall::silent(Reason::BegunAnew));
        }
        let id = self.next_handshake();
        let session = self.next_session();
        match client::Handshake::begin(&mut self.context(now), id, session, to, connect) {
            Ok(handshake) => {
                self.timers.set(id, handshake.due());
                self.handshakes.insert(id, Handshake::Client(Box::new(handshake)));
                self.connecting.insert(to, id);
                self.counters.handshakes_begun += 1;
            }
            Err(failure) => {
                self.counters.handshakes_failed += 1;
                self.event(Event::Failed(failure));
            }
        }
        id
    }

    /// Answers [`Event::Identify`]: who that is, or the alert that tells the peer why not.
    pub fn identified(&mut self, now: Duration, handshake: HandshakeId, known: Result<Known, Alert>) {
        self.step_as_server(now, handshake, |handshake, cx| handshake.identified(cx, known));
    }

    /// Answers [`Event::Resume`]: the session, if it is there and its peer is still welcome.
    pub fn resumed(&mut self, now: Duration, handshake: HandshakeId, session: Option<&Saved>) {
        self.step_as_server(now, handshake, |handshake, cx| handshake.resumed(cx, session));
    }

    /// Answers [`Event::Opened`]: the session is durable, or is not to be.
    pub fn admitted(&mut self, now: Duration, handshake: HandshakeId, admitted: Result<(), Alert>) {
        self.step_as_server(now, handshake, |handshake, cx| handshake.admitted(cx, admitted));
    }

    /// Answers [`Event::Compute`].
    pub fn computed(&mut self, now: Duration, computed: Computed) {
        let Computed { handshake, done } = computed;
        self.step(now, handshake, |handshake, cx| match handshake {
            Handshake::Client(handshake) => handshake.computed(cx, done),
            Handshake::Server(handshake) => handshake.computed(cx, done),
        });
    }

    /// Takes a handshake a step on.
    pub(super) fn step(
        &mut self,
        now: Duration,
        id: HandshakeId,
        act: impl FnOnce(&mut Handshake, &mut Context<'_>) -> Result<Next, Fall>,
    ) {
        let Some(mut handshake) = self.handshakes.remove(&id) else { return };
        let next = act(&mut handshake, &mut self.context(now));
        self.timers.set(id, handshake.due());
        self.handshakes.insert(id, handshake);
        match next {
            Ok(Next::Waits) => {}
            Ok(Next::Established(session)) => self.establish(now, id, *session),
            Err(fall) => self.fall(now, id, fall),
        }
    }

    fn step_as_server(
        &mut self,
        now: Duration,
        id: HandshakeId,
        act: impl FnOnce(&mut server::Handshake, &mut Context<'_>) -> Result<Next, Fall>,
    ) {
        self.step(now, id, |handshake, cx| match handshake {
            Handshake::Client(_) => Ok(Next::Waits),
            Handshake::Server(handshake) => act(handshake, cx),
        });
    }

    /// A handshake is done.
    fn establish(&mut self, now: Duration, id: HandshakeId, session: Session) {
        self.forget(now, id);
        self.counters.handshakes_done += 1;
        let (named, tag) = (session.id, session.tag);
        // RFC 6347 §4.2.8: the older session of that address ends when the newer one is there. Somebody else's goes on by its
        // connection id: a network has given its port away.
        self.make_way(session.peer());
        let older = self.sessions.at(session.peer()).and_then(|older| self.sessions.get(older));
        if let Some(older) = older.filter(|older| !older.own_cid() || older.tag == tag).map(|older| older.id)
        {
            self.drop_session(older, Ended::Replaced);
        }
        let of_tag = self.config.bounds.sessions_of_tag.filter(|_| !session.shared());
        if let Some(oldest) = of_tag.and_then(|max| self.sessions.oldest_of_full_tag(tag, max)) {
            self.counters.sessions_of_tag += 1;
            self.end_session(oldest, Ended::Room);
        }
        if self.sessions.len() >= self.config.bounds.sessions
            && let Some(stalest) = self.sessions.stalest().map(|session| session.id)
        {
            self.counters.sessions += 1;
            self.end_session(stalest, Ended::Room);
        }
        self.sessions.insert(session);
        self.sessions.touch(named, now);
        self.event(Event::Connected { handshake: id, session: named });
    }

    /// A handshake comes to nothing.
    pub(super) fn fall(&mut self, now: Duration, id: HandshakeId, fall: Fall) {
        let Some(handshake) = self.handshakes.get_mut(&id) else { return };
        let (failure, peer, number) =
            (handshake.fallen(fall.reason), handshake.peer(), handshake.next_record());
        self.counters.handshakes_failed += 1;
        self.forget(now, id);
        if let Some(alert) = fall.alert {
            let mut bytes = Vec::with_capacity(record::HEADER + 2);
            record::write_plain(&mut bytes, ALERT, number, &[FATAL, alert.0]);
            self.counters.alerts_sent += 1;
            self.transmit(peer, bytes);
        }
        self.event(Event::Failed(Box::new(failure)));
    }

    /// Drops all there is of a handshake.
    pub(super) fn forget(&mut self, now: Duration, id: HandshakeId) {
        let Some(handshake) = self.handshakes.remove(&id) else { return };
        self.timers.cancel(id);
        match handshake {
            Handshake::Client(handshake) => {
                self.connecting.remove(&handshake.to());
            }
            Handshake::Server(handshake) => {
                self.recent.add(now, *handshake.client_random(), self.config.bounds.handshakes);
                self.serving.remove(&handshake.from());
                let network = Network::of(handshake.from());
                let count = self.networks.get_mut(&network).expect("it was counted when it began");
                *count -= 1;
                if *count == 0 {
                    self.networks.remove(&network);
                }
            }
        }
    }

    /// Ends the handshakes of whoever that is.
    pub(super) fn take_back(&mut self, now: Duration, tag: Tag) {
        let of_tag = |handshake: &Handshake| matches!(handshake, Handshake::Server(handshake) if handshake.tag() == Some(tag));
        let taken: Vec<_> =
            self.handshakes.iter().filter(|(_, handshake)| of_tag(handshake)).map(|(id, _)| *id).collect();
        for id in taken {
            self.fall(now, id, Fall::new(Reason::TakenBack, Alert::ACCESS_DENIED));
        }
    }

    pub(super) fn next_handshake(&mut self) -> HandshakeId {
        self.last_handshake += 1;
        HandshakeId(self.last_handshake)
    }

    pub(super) fn context(&mut self, now: Duration) -> Context<'_> {
        Context {
            now,
            config: &self.config,
            trust: &self.trust,
            random: &mut self.random,
            counters: &mut self.counters,
            outputs: &mut self.outputs,
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn transmit(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.counters.datagrams_sent += 1;
        self.outputs.push_back(Output::Transmit { to, bytes });
    }
}

impl Handshake {
    pub(super) fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Next, Fall> {
        match self {
            Self::Client(handshake) => handshake.handle_timeout(cx),
            Self::Server(handshake) => handshake.handle_timeout(cx),
        }
    }

    /// A fragment in the clear, from a client.
    pub(super) fn handle_fragment(
        &mut self,
        cx: &mut Context<'_>,
        record: u64,
        fragment: Fragment<'_>,
    ) -> Result<Next, Fall> {
        match self {
            Self::Client(_) => Ok(Next::Waits),
            Self::Server(handshake) => handshake.handle_fragment(cx, record, fragment),
        }
    }

    /// Any record from a server; from a client, one of epoch 1.
    pub(super) fn handle_record(&mut self, cx: &mut Context<'_>, record: Record<'_>) -> Result<Next, Fall> {
        match self {
            Self::Client(handshake) => handshake.handle_record(cx, record),
            Self::Server(handshake) => handshake.handle_protected(cx, record),
        }
    }

    pub(super) fn repeat(&mut self, cx: &mut Context<'_>) {
        if let Self::Server(handshake) = self {
            handshake.repeat(cx);
        }
    }

    /// Takes note of a datagram. False if that is more than may be; a server that this side has chosen may send as it likes.
    pub(super) fn count(&mut self, cx: &mut Context<'_>, bytes: usize) -> bool {
        match self {
            Self::Client(_) => true,
            Self::Server(handshake) => handshake.count(cx, bytes),
        }
    }

    pub(super) fn believes(&self, record: u64) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Server(handshake) => handshake.believes(record),
        }
    }

    /// The session it is to make, if its peer uses that as connection id.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            Self::Client(_) => None,
            Self::Server(handshake) => Some(handshake.session()),
        }
    }

    fn due(&self) -> Duration {
        match self {
            Self::Client(handshake) => handshake.due(),
            Self::Server(handshake) => handshake.due(),
        }
    }

    fn peer(&self) -> SocketAddr {
        match self {
            Self::Client(handshake) => handshake.to(),
            Self::Server(handshake) => handshake.from(),
        }
    }

    fn next_record(&mut self) -> u64 {
        match self {
            Self::Client(handshake) => handshake.next_record(),
            Self::Server(handshake) => handshake.next_record(),
        }
    }

    fn fallen(&self, reason: Reason) -> Failure {
        match self {
            Self::Client(handshake) => handshake.fallen(reason),
            Self::Server(handshake) => handshake.fallen(reason),
        }
    }
}

/// RFC 5246 §7.2.
const FATAL: u8 = 2;
