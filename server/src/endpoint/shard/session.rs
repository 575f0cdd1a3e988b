//! Secure sessions: who is where, where devices have moved to, and what verbs take from them.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use fleet::{
    Commit, CredentialId, DeviceId, DiaryCause, EndReason, Ending, ListenerId, Now, Origin, Source, Subject,
};
use tracing::info;

use super::{
    EndTicket, Output, Shard,
    work::{After, Work, turned_away},
};

impl Shard {
    /// A secure session begins. Its device is reached there from now on, whatever its address was before.
    pub(crate) fn handle_session_began(&mut self, now: Now, origin: Origin) {
        let (Some(identity), source) = (origin.identity, origin.source) else { return };
        if self.ended.contains_key(&identity.credential) {
            turned_away("ended_sessions");
            return;
        }
        // A client that has started anew knows nothing of what was said before, and may use its message ids again.
        self.renew(now, source);
        self.sessions.insert(source, identity);
        self.opened_by.insert((identity.credential, source));
        let Some(device) = identity.device() else { return };
        match self.roster.follow_session(origin) {
            Some(from) => self.coap.move_peer(now.mono, from, source),
            None if self.source_of(device) == Some(source) => self.restore_observations(now, device),
            None => {}
        }
        self.drain_coap(now);
    }

    /// A secure session has ended. Its device is reached again with its next one.
    pub(crate) fn handle_session_ended(&mut self, now: Now, origin: Origin) {
        if self.sessions.get(&origin.source) != origin.identity.as_ref() {
            return;
        }
        self.renew(now, origin.source);
    }

    /// Takes from a device what a verb wants taken. The verb is told by [`Output::Ended`].
    pub(crate) fn handle_ending(&mut self, now: Now, ticket: EndTicket, ending: Ending) {
        self.submit(now, Subject::Device(ending.device), Work::Take(ticket, Box::new(ending)));
        self.drain_coap(now);
    }

    /// A verb has committed what adds devices or credentials.
    pub(crate) fn handle_followed(&mut self, now: Now, commit: &Arc<Commit>) {
        self.roster.apply(now, commit);
    }

    /// Credentials that belong to no one device have ended.
    pub(crate) fn handle_sessions_ended(&mut self, now: Now, credentials: &[CredentialId]) {
        self.end_sessions(now, credentials);
        self.drain_coap(now);
    }

    /// Ids for new devices; none if that would be too many.
    pub(crate) fn reserve(&mut self, count: usize) -> Option<Vec<DeviceId>> {
        self.roster.reserve(count)
    }

    /// Where a datagram comes from and whose session that is.
    pub(super) fn origin(&self, source: Source) -> Origin {
        Origin { source, identity: self.sessions.get(&source).copied() }
    }

    pub(super) fn take_from(&mut self, now: Now, ticket: EndTicket, ending: Box<Ending>) {
        let commit = self.roster.end_device(now, &ending);
        let source = self.source_of(ending.device);
        let subject = Subject::Device(ending.device);
        self.commit(Some(subject), commit, After::Taken { ticket, ending, source });
    }

    /// What a verb takes is taken: nothing is accepted from here on that was not before.
    pub(super) fn taken_from(
        &mut self,
        now: Now,
        ticket: EndTicket,
        ending: &Ending,
        source: Option<Source>,
    ) {
        let device = ending.device;
        self.end_sessions(now, &ending.credentials);
        let gone = self.roster.registration(device).is_none();
        if let Some(source) = source.filter(|_| gone) {
            self.cancel_operations(now, device, source);
        }
        let how = if ending.reason == EndReason::Removed { "removed" } else { "credential revoked" };
        info!(
            device.id = device.0,
            device.endpoint = self.roster.endpoint(device).map(tracing::field::display),
            how,
            "device ended"
        );
        self.outputs.push_back(Output::Ended { ticket, result: Ok(()) });
    }

    /// A device has not been heard for longer than its lifetime.
    pub(super) fn miss(&mut self, device: DeviceId, source: Source) {
        let Some(subject) = self.roster.endpoint(device).map(ToString::to_string) else { return };
        let detail =
            "its registration expired: no Update came within the lifetime it had asked for".to_owned();
        let cause = DiaryCause::SleepingTooLong;
        self.outputs.push_back(Output::Incident { cause, subject, source, device: Some(device), detail });
    }

    pub(super) fn note_malformed(&mut self, origin: Origin, bytes: &[u8]) {
        let device = self.roster.sender(origin);
        let source = origin.source;
        let endpoint = device.and_then(|device| self.roster.endpoint(device)).map(ToString::to_string);
        let subject = endpoint.unwrap_or_else(|| source.address.ip().to_string());
        let detail = format!("{} bytes that are no CoAP message", bytes.len());
        let cause = DiaryCause::MalformedMessage;
        self.outputs.push_back(Output::Incident { cause, subject, source, device, detail });
    }

    /// Forgets a session. What its device was asked and has not answered is asked again, unless doing it twice would differ.
    fn renew(&mut self, now: Now, source: Source) {
        self.renewed = self.sessions.get(&source).and_then(|identity| identity.device());
        self.forget_session(now, source);
        self.drain_coap(now);
        self.renewed = None;
    }

    fn first_session(&self, credential: CredentialId) -> Option<(CredentialId, Source)> {
        let from = (credential, Source { listener: ListenerId(0), address: LOWEST });
        self.opened_by.range(from..).next().filter(|(opener, _)| *opener == credential).copied()
    }

    fn forget_session(&mut self, now: Now, source: Source) {
        if let Some(identity) = self.sessions.remove(&source) {
            self.opened_by.remove(&(identity.credential, source));
            self.coap.renew_peer(now.mono, source);
        }
    }

    fn end_sessions(&mut self, now: Now, credentials: &[CredentialId]) {
        if credentials.is_empty() {
            return;
        }
        self.ended.extend(credentials.iter().map(|credential| (*credential, now.mono)));
        for credential in credentials {
            while let Some((_, source)) = self.first_session(*credential) {
                self.forget_session(now, source);
            }
        }
        self.outputs.push_back(Output::EndSessions(credentials.to_vec()));
    }
}

/// No address comes before it: IPv4 before IPv6, and within it by number and port.
const LOWEST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
