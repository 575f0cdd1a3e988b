//! What comes in: requests of devices, and their answers to ours.

use fleet::{BootstrapAsked, Incident, Now, Origin, RequestId, StepAnswer};

use super::{Beginning, BootstrapEndpoint, Output, Ticket, turned_away};
use crate::binding::{self, rejection::Rejection};

impl BootstrapEndpoint {
    pub(super) fn drain_coap(&mut self, now: Now) {
        while let Some(output) = self.coap.poll_output() {
            match output {
                coap::Output::Transmit { peer, bytes } => {
                    let session = self.sessions.at(peer).map(|secure| secure.id);
                    if session.is_none() && !self.paths.may_send(peer, bytes.len()) {
                        turned_away("unverified_bytes");
                        continue;
                    }
                    self.outputs.push_back(Output::Transmit { to: peer, session, bytes });
                }
                coap::Output::Event(coap::Event::Request { exchange, request, peer, .. }) => {
                    self.request(now, self.sessions.origin(peer), exchange, &request);
                }
                coap::Output::Event(coap::Event::Response { peer, request, outcome, .. }) => {
                    if outcome.is_ok() {
                        self.paths.prove(peer);
                    }
                    if let Some(ticket) = self.by_request.remove(&request) {
                        self.answered(now, ticket, binding::bootstrap::answer(outcome));
                    }
                }
                // Nothing is observed here.
                coap::Output::Event(coap::Event::Notification { id, .. }) => {
                    self.coap.reject_notification(now.mono, id);
                }
                coap::Output::Event(coap::Event::NotificationSent { .. }) => {}
            }
        }
    }

    pub(super) fn request(
        &mut self,
        now: Now,
        origin: Origin,
        exchange: coap::ExchangeId,
        request: &coap::Request,
    ) {
        let source = origin.source;
        let listener = self.names.get(&source.listener).cloned().unwrap_or_default();
        let request = match binding::bootstrap::request(request) {
            Ok(request) => request,
            Err(rejection) => {
                if let Some(cause) = rejection.cause {
                    self.outputs.push_back(Output::Incident(Incident {
                        at: now.wall,
                        cause,
                        subject: source.address.to_string(),
                        from: source.address,
                        listener,
                        device: origin.identity.and_then(|identity| identity.device()),
                        detail: format!("{} {}", rejection.code, rejection.reason),
                    }));
                }
                self.coap.respond(now.mono, exchange, rejection.response());
                return;
            }
        };
        let here = self.at(source);
        if here.iter().any(|ticket| self.beginning.contains_key(ticket)) {
            turned_away("bootstrap_begins_per_source");
            // Silence: a confirmable message comes again.
            self.coap.drop_exchange(now.mono, exchange);
            return;
        }
        let at_address = self.by_address.get(&source.address.ip()).copied().unwrap_or(0);
        let bound = if self.beginning.len() + self.running.len() >= self.bounds.sessions + here.len() {
            Some("bootstrap_sessions")
        } else if at_address >= self.bounds.sessions_per_address + here.len() {
            Some("bootstrap_sessions_per_address")
        } else {
            None
        };
        if let Some(bound) = bound {
            turned_away(bound);
            let busy = Rejection::new(coap::Code::SERVICE_UNAVAILABLE, "too many bootstraps are under way");
            self.coap.respond(now.mono, exchange, busy.response());
            return;
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let id = RequestId::from_random(self.random());
        let asked = BootstrapAsked { origin, listener, request, id, at: now.wall };
        self.occupy(ticket, source);
        self.beginning.insert(ticket, Beginning { asked: asked.clone(), exchange, is_void: false });
        self.outputs.push_back(Output::Begin { ticket, asked });
    }

    pub(super) fn answered(&mut self, now: Now, ticket: Ticket, answer: StepAnswer) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.request = None;
        let is_first = running.session.record().steps.len() == 1;
        let settles = now.mono.saturating_sub(running.began_at) < Self::SETTLES_WITHIN;
        // A Reset says that nothing was done (RFC 7252 §4.2): Leshan's client sends it to what comes before it has taken
        // note of the answer to its own request.
        if answer == StepAnswer::Reset && is_first && settles {
            running.again_at = Some(now.mono + Self::TICK);
            return;
        }
        running.step = None;
        running.session.answered(now.wall, answer);
        self.go_on(now, ticket);
    }
}
