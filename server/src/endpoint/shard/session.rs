//! Secure sessions: who is where, where devices have moved to, and what verbs take from them.

use std::sync::Arc;

use fleet::{
    Commit, CredentialId, DeviceId, DiaryCause, EndReason, Ending, Now, Origin, SecureSessionId, Source,
    Subject, Timestamp,
};
use tracing::info;

use super::{
    EndTicket, Output, Shard,
    work::{After, Work, turned_away},
};
use crate::endpoint::sessions::Secure;

impl Shard {
    /// A secure session begins. Its device is reached there from now on, whatever its address was before.
    pub(crate) fn handle_session_began(&mut self, now: Now, origin: Origin, id: SecureSessionId) {
        let (Some(identity), source) = (origin.identity, origin.source) else { return };
        if self.ended.contains_key(&identity.credential) {
            turned_away("ended_sessions");
            return;
        }
        // A client that has started anew knows nothing of what was said before, and may use its message ids again.
        self.renew(now, source);
        let began_at = self.sessions.next_beginning(identity.credential, now.wall);
        let secure = Secure { id, identity, began_at, is_doubtful: false, is_heard: false };
        self.sessions.insert(source, secure);
        self.note_session(origin);
        self.reach_at(now, origin);
        self.drain_coap(now);
    }

    /// A session goes on that was there when the server stopped, and with it whatever its device was doing. Of several,
    /// it is reached in the one that began last.
    pub(crate) fn handle_session_restored(
        &mut self,
        now: Now,
        origin: Origin,
        id: SecureSessionId,
        began_at: Timestamp,
        is_heard: bool,
    ) {
        let (Some(identity), source) = (origin.identity, origin.source) else { return };
        if self.ended.contains_key(&identity.credential) || self.sessions.at(source).is_some() {
            turned_away("ended_sessions");
            return;
        }
        let reached_in = identity.device().and_then(|device| self.source_of(device));
        let later = reached_in.and_then(|source| self.sessions.at(source));
        let is_last =
            later.is_none_or(|later| later.identity.holder != identity.holder || later.began_at < began_at);
        let there = self.roster.device_at(source);
        if there.is_some() && there != identity.device() {
            // It was there before, and is asked where it is found.
            self.renew(now, source);
        }
        self.sessions.insert(source, Secure { id, identity, began_at, is_doubtful: true, is_heard });
        if !self.outlive(now, source) {
            return;
        }
        self.note_session(origin);
        if is_last && let Some(device) = identity.device() {
            if let Some(from) = self.roster.follow_session(origin) {
                self.take_along(now, device, from, source);
            }
            self.restore_observations(now, device);
        }
        self.drain_coap(now);
    }

    /// A device was heard in a session: those that it had before are over. False if this is one of them.
    pub(super) fn outlive(&mut self, now: Now, source: Source) -> bool {
        let Some(secure) = self.sessions.at(source).copied() else { return false };
        let outlived = self.sessions.outlived(secure.identity.credential);
        let is_over = outlived.iter().any(|(_, session)| *session == secure.id);
        for (at, session) in outlived {
            self.renew(now, at);
            self.outputs.push_back(Output::EndSession { at: at.listener, session });
        }
        !is_over
    }

    /// A session is somewhere else: its device goes on with what it was doing (RFC 9146 §6).
    pub(crate) fn handle_session_moved(&mut self, now: Now, id: SecureSessionId, from: Source, to: Source) {
        self.renew(now, to);
        // One that is not known there is introduced when something comes in it.
        let Some(secure) = self.sessions.at(from).filter(|secure| secure.id == id).copied() else { return };
        self.sessions.remove(from);
        self.sessions.insert(to, secure);
        self.coap.move_peer(now.mono, from, to);
        let origin = self.origin(to);
        self.note_session(origin);
        self.roster.follow_session(origin);
        if let Some(device) = secure.identity.device() {
            self.restore_observations(now, device);
        }
        self.drain_coap(now);
    }

    /// A secure session has ended. Its device is reached again with its next one.
    pub(crate) fn handle_session_ended(&mut self, now: Now, source: Source, id: SecureSessionId) {
        if self.sessions.at(source).is_some_and(|secure| secure.id == id) {
            self.renew(now, source);
        }
    }

    /// A device has answered what it was asked since the start: what is heard from it now was not heard before.
    pub(super) fn confirm(&mut self, source: Source) {
        if let Some(session) = self.sessions.clear_doubt(source) {
            self.outputs.push_back(Output::Confirm { at: source.listener, session });
        }
    }

    /// Takes from a device what a verb wants taken. The verb is told by [`Output::Ended`].
    pub(crate) fn handle_ending(&mut self, now: Now, ticket: EndTicket, ending: Ending) {
        self.submit(now, Subject::Device(ending.device), Work::Take(ticket, Box::new(ending)));
        self.drain_coap(now);
    }

    /// A verb has committed what adds devices or credentials.
    pub(crate) fn handle_followed(&mut self, now: Now, commit: &Arc<Commit>) {
        self.roster.apply(now, commit);
        self.listen_by(now, commit);
    }

    /// Credentials that belong to no one device have ended.
    pub(crate) fn handle_sessions_ended(&mut self, now: Now, credentials: &[CredentialId]) {
        self.end_sessions(now, credentials);
        self.drain_coap(now);
    }

    /// The sessions of credentials end that are good still.
    pub(crate) fn handle_sessions_renewed(&mut self, now: Now, credentials: &[CredentialId]) {
        self.drop_sessions(now, credentials);
        self.drain_coap(now);
    }

    /// Ids for new devices; none if that would be too many.
    pub(crate) fn reserve(&mut self, count: usize) -> Option<Vec<DeviceId>> {
        self.roster.reserve(count)
    }

    /// Where a datagram comes from and whose session that is.
    pub(super) fn origin(&self, source: Source) -> Origin {
        self.sessions.origin(source)
    }

    pub(super) fn take_from(&mut self, now: Now, ticket: EndTicket, ending: Box<Ending>) {
        let commit = self.roster.end_device(now, &ending);
        let source = self.source_of(ending.device);
        let subject = Subject::Device(ending.device);
        self.commit(now, Some(subject), commit, After::Taken { ticket, ending, source });
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

    /// Whoever is at an address from now on knows nothing of what was said there before. What a device was asked there and has
    /// not answered is asked again, unless doing it twice would differ.
    fn renew(&mut self, now: Now, source: Source) {
        self.sessions.remove(source);
        self.coap.renew_peer(now.mono, source);
        self.drain_coap(now);
    }

    /// Its device is reached there, with whatever is under way where it was before.
    fn reach_at(&mut self, now: Now, origin: Origin) {
        let source = origin.source;
        let Some(device) = origin.identity.and_then(|identity| identity.device()) else { return };
        if let Some(from) = self.roster.follow_session(origin) {
            self.take_along(now, device, from, source);
        }
        // What ended with a session that was there before, or with another device's, is known again.
        self.restore_observations(now, device);
    }

    fn end_sessions(&mut self, now: Now, credentials: &[CredentialId]) {
        #[cfg(planted)]
        if planted::is(planted::Fault::RevokedServed) {
            return;
        }
        self.ended.extend(credentials.iter().map(|credential| (*credential, now.mono)));
        self.drop_sessions(now, credentials);
    }

    fn drop_sessions(&mut self, now: Now, credentials: &[CredentialId]) {
        if credentials.is_empty() {
            return;
        }
        for credential in credentials {
            while let Some(source) = self.sessions.first_of(*credential) {
                self.renew(now, source);
            }
        }
        self.outputs.push_back(Output::EndSessions(credentials.to_vec()));
    }
}
