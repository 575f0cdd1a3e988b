//! Who is at the other end of each secure session, by where it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use fleet::{CredentialId, Identity, ListenerId, Origin, SecureSessionId, SessionMark, Source, Timestamp};

/// The live sessions of the listeners that one state machine serves.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_source: BTreeMap<Source, Secure>,
    by_credential: BTreeSet<(CredentialId, Source)>,
    /// What was heard and is not kept yet.
    heard: BTreeMap<SecureSessionId, SessionMark>,
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Secure {
    pub(crate) id: SecureSessionId,
    pub(crate) identity: Identity,
    pub(crate) began_at: Timestamp,
    /// It was there before the server started, and its device has not answered anything of ours since: what was heard may
    /// have been heard before.
    pub(crate) is_doubtful: bool,
    /// Something came in it.
    pub(crate) is_heard: bool,
}

/// What is known of the session in which a datagram came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// It is not the one that is there.
    NotThere,
    /// It is the first datagram in it.
    First,
    /// There were others.
    Again,
}

/// In which session a datagram came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) session: SecureSessionId,
    /// Whether it is certain that its device is where it came from.
    pub(crate) is_certain: bool,
    /// The number below which every record of it counts as received from now on.
    pub(crate) received: u64,
}

impl Sessions {
    /// A session is there from now on, in place of what was there before.
    pub(crate) fn insert(&mut self, source: Source, secure: Secure) {
        self.remove(source);
        self.by_credential.insert((secure.identity.credential, source));
        self.by_source.insert(source, secure);
    }

    /// There is none there any more.
    pub(crate) fn remove(&mut self, source: Source) -> Option<Secure> {
        let secure = self.by_source.remove(&source)?;
        self.by_credential.remove(&(secure.identity.credential, source));
        self.heard.remove(&secure.id);
        Some(secure)
    }

    /// A datagram came, in a session if one is named.
    pub(crate) fn hear(&mut self, source: Source, heard: Option<Heard>, at: Timestamp) -> Hearing {
        let there = self.by_source.get_mut(&source);
        if there.as_ref().map(|secure| secure.id) != heard.map(|heard| heard.session) {
            return Hearing::NotThere;
        }
        let (Some(there), Some(Heard { session, is_certain, received })) = (there, heard) else {
            return Hearing::Again;
        };
        self.heard.insert(session, SessionMark { id: session, received, source, is_certain, at });
        match std::mem::replace(&mut there.is_heard, true) {
            true => Hearing::Again,
            false => Hearing::First,
        }
    }

    /// The sessions of a device that began before one in which it was heard. It has left them: what still comes in them was held
    /// back by somebody on the way (RFC 6347 §4.2.8 ends them where the address is the same).
    pub(crate) fn outlived(&self, credential: CredentialId) -> Vec<(Source, SecureSessionId)> {
        let of_device = || self.of(credential).filter(|(_, secure)| secure.identity.device().is_some());
        let heard = of_device().filter(|(_, secure)| secure.is_heard);
        let Some(last) = heard.map(|(_, secure)| secure.began_at).max() else { return Vec::new() };
        let outlived = of_device().filter(|(_, secure)| secure.began_at < last);
        outlived.map(|(source, secure)| (source, secure.id)).collect()
    }

    /// When a session of this credential begins: after those that are there, whatever the clock says.
    pub(crate) fn next_beginning(&self, credential: CredentialId, at: Timestamp) -> Timestamp {
        let last = self.of(credential).map(|(_, secure)| secure.began_at).max();
        last.map_or(at, |last| at.max(last.after(Duration::from_millis(1))))
    }

    /// The device at the other end has answered what it was asked since the start. Its session, the first time.
    pub(crate) fn clear_doubt(&mut self, source: Source) -> Option<SecureSessionId> {
        let secure = self.by_source.get_mut(&source)?;
        std::mem::take(&mut secure.is_doubtful).then_some(secure.id)
    }

    /// What is to be kept with the effects of what was heard there last.
    pub(crate) fn take_heard(&mut self, source: Source) -> Option<SessionMark> {
        let id = self.at(source)?.id;
        self.heard.remove(&id)
    }

    /// What was heard everywhere and is not kept yet.
    pub(crate) fn take_all_heard(&mut self) -> Vec<SessionMark> {
        std::mem::take(&mut self.heard).into_values().collect()
    }

    /// What could not be kept is to be kept later.
    pub(crate) fn keep_heard(&mut self, marks: &[SessionMark]) {
        for mark in marks {
            if self.at(mark.source).is_some_and(|secure| secure.id == mark.id) {
                self.heard.entry(mark.id).or_insert(*mark);
            }
        }
    }

    /// The session there.
    pub(crate) fn at(&self, source: Source) -> Option<&Secure> {
        self.by_source.get(&source)
    }

    /// Where something comes from and whose session that is.
    pub(crate) fn origin(&self, source: Source) -> Origin {
        Origin { source, identity: self.at(source).map(|secure| secure.identity) }
    }

    /// Where a session of a credential is.
    pub(crate) fn first_of(&self, credential: CredentialId) -> Option<Source> {
        self.of(credential).next().map(|(source, _)| source)
    }

    fn of(&self, credential: CredentialId) -> impl Iterator<Item = (Source, &Secure)> {
        let from = (credential, Source { listener: ListenerId(0), address: LOWEST });
        let of_it = self.by_credential.range(from..).take_while(move |(opener, _)| *opener == credential);
        of_it.filter_map(|(_, source)| Some((*source, self.at(*source)?)))
    }
}

/// No address comes before it: IPv4 before IPv6, and within it by number and port.
const LOWEST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
