//! How much may be sent to addresses that may be forged (RFC 7252 §11.3, RFC 9175 §2.4).
//!
//! What comes in plain CoAP comes from anywhere: whoever writes a victim's address on a Register has the answer, and whatever the
//! server goes on to ask, sent to the victim. So an address gets three bytes for each that came from there, retransmissions
//! included, until it has answered something of ours with its token, which nobody else can know. A device does so within its
//! first exchange: nothing else is asked of it, as the Echo option would be, which clients of LwM2M 1.0 and 1.1 do not have.
//! What is withheld counts as lost on the way. Secure sessions are not looked at here: their handshake has proven the address.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use fleet::Source;

/// What is known of the addresses that one state machine serves in the clear.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    by_source: BTreeMap<Source, Path>,
    /// When each is to be looked at again, in order.
    due: VecDeque<(Duration, Source)>,
}

#[derive(Clone, Copy, Debug)]
enum Path {
    /// A token of ours came back from there.
    Proven,
    Unproven {
        received: usize,
        sent: usize,
    },
}

impl Paths {
    /// Addresses that are known. One more meets silence.
    const MAX: usize = 1_000_000;
    /// RFC 9175 §2.4, after RFC 9000 §8: how many bytes go to an unproven address for one that came from there.
    const AMPLIFICATION: usize = 3;
    /// RFC 9175 §2.4: the longest message that goes there.
    const LONGEST: usize = 136;
    /// A Register that came before a restart has been at least this long; how long, nobody knows any more.
    const REGISTER: usize = 68;
    /// An address is forgotten where nobody is, after MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2): nothing is under way by then.
    const LOOKED_AT_AFTER: Duration = Duration::from_secs(93);

    /// A datagram came from there. False if there is no room for it.
    pub(crate) fn hear(&mut self, now: Duration, source: Source, bytes: usize) -> bool {
        match self.by_source.get_mut(&source) {
            Some(Path::Proven) => {}
            Some(Path::Unproven { received, .. }) => *received = received.saturating_add(bytes),
            None => return self.add(now, source, Path::Unproven { received: bytes, sent: 0 }),
        }
        true
    }

    /// A device was registered there when the server stopped, and had answered then or not.
    pub(crate) fn restore(&mut self, now: Duration, source: Source, has_answered: bool) {
        let unproven = Path::Unproven { received: Self::REGISTER, sent: 0 };
        self.add(now, source, if has_answered { Path::Proven } else { unproven });
    }

    /// A token of ours came back from there.
    pub(crate) fn prove(&mut self, source: Source) {
        if let Some(path) = self.by_source.get_mut(&source) {
            *path = Path::Proven;
        }
    }

    /// Whether so many bytes may go there now; then they count as sent.
    pub(crate) fn may_send(&mut self, source: Source, bytes: usize) -> bool {
        #[cfg(planted)]
        if planted::is(planted::Fault::AnswersUnbounded) {
            return true;
        }
        match self.by_source.get_mut(&source) {
            Some(Path::Proven) => true,
            Some(Path::Unproven { received, sent }) => {
                let allowed = received.saturating_mul(Self::AMPLIFICATION).saturating_sub(*sent);
                let may = bytes <= allowed.min(Self::LONGEST);
                *sent += if may { bytes } else { 0 };
                may
            }
            None => false,
        }
    }

    /// Whether a request with such a body would be too much for an address that has not answered yet.
    pub(crate) fn withholds(&self, source: Source, body: usize) -> bool {
        let is_proven = matches!(self.by_source.get(&source), Some(Path::Proven));
        // Half of it is for header, token and options.
        !is_proven && body > Self::LONGEST / 2
    }

    /// Forgets the addresses where nobody is.
    pub(crate) fn tidy(&mut self, now: Duration, is_somebody_at: impl Fn(Source) -> bool) {
        while let Some((at, source)) = self.due.front().copied()
            && at <= now
        {
            self.due.pop_front();
            if is_somebody_at(source) {
                self.due.push_back((now + Self::LOOKED_AT_AFTER, source));
            } else {
                self.by_source.remove(&source);
            }
        }
    }

    fn add(&mut self, now: Duration, source: Source, path: Path) -> bool {
        let has_room = self.by_source.len() < Self::MAX;
        if has_room && self.by_source.insert(source, path).is_none() {
            self.due.push_back((now + Self::LOOKED_AT_AFTER, source));
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use fleet::ListenerId;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn source(port: u16) -> Source {
        Source { listener: ListenerId(0), address: ([192, 0, 2, 1], port).into() }
    }

    #[test]
    fn three_bytes_go_to_an_unproven_address_for_one_from_there() {
        let mut paths = Paths::default();
        assert!(!paths.may_send(source(1), 1), "nothing came from there");
        assert!(paths.hear(NOW, source(1), 40));
        assert!(paths.may_send(source(1), 100));
        assert!(!paths.may_send(source(1), 21));
        assert!(paths.may_send(source(1), 20), "what was withheld does not count");
        assert!(!paths.may_send(source(1), 1));
        assert!(paths.hear(NOW, source(1), 1));
        assert!(paths.may_send(source(1), 3) && !paths.may_send(source(1), 1));
        assert!(!paths.may_send(source(2), 1), "nor from its neighbour");
    }

    #[test]
    fn no_long_message_goes_to_an_unproven_address() {
        let mut paths = Paths::default();
        paths.hear(NOW, source(1), 1_000);
        assert!(!paths.may_send(source(1), 137) && paths.may_send(source(1), 136));
        assert!(paths.withholds(source(1), 69) && !paths.withholds(source(1), 68));
        paths.prove(source(1));
        assert!(paths.may_send(source(1), 100_000) && !paths.withholds(source(1), 100_000));
    }

    #[test]
    fn an_address_is_forgotten_where_nobody_is() {
        let mut paths = Paths::default();
        for port in [1, 2] {
            paths.hear(NOW, source(port), 10);
            paths.prove(source(port));
        }
        let later = NOW + Paths::LOOKED_AT_AFTER;
        paths.tidy(later - Duration::from_millis(1), |_| false);
        assert!(paths.may_send(source(2), 1));
        for _ in 0..3 {
            paths.tidy(later, |at| at == source(1));
        }
        assert!(paths.may_send(source(1), 1) && !paths.may_send(source(2), 1));
        assert_eq!((paths.by_source.len(), paths.due.len()), (1, 1));
    }

    #[test]
    fn who_was_there_before_a_restart_can_be_asked() {
        let mut paths = Paths::default();
        paths.restore(NOW, source(1), true);
        paths.restore(NOW, source(2), false);
        assert!(paths.may_send(source(1), 1_000));
        assert!((0..5).all(|_| paths.may_send(source(2), 40)) && !paths.may_send(source(2), 40));
    }
}
