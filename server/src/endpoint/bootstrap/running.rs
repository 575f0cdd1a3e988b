//! Sessions that run: step by step to their end.

use std::collections::BTreeSet;

use fleet::{BootstrapAsked, BootstrapResult, DiaryCause, Next, Now, Session, Source, StepAnswer};
use objects::Models;
use tracing::{debug, info};

use super::{BootstrapEndpoint, Output, Running, Ticket};
use crate::binding;

impl BootstrapEndpoint {
    pub(super) fn begin(
        &mut self,
        now: Now,
        ticket: Ticket,
        exchange: coap::ExchangeId,
        asked: BootstrapAsked,
        session: Session,
    ) {
        let source = asked.origin.source;
        let device = session.prepared().device;
        let before = self.at(source).into_iter().chain(self.by_device.get(&device).copied());
        for before in before.collect::<BTreeSet<_>>() {
            self.abandon(now, before, None, "the device has begun anew");
        }
        info!(
            request.id = %asked.id, device.endpoint = %session.prepared().endpoint,
            net.peer = %source.address, "bootstrap began"
        );
        self.coap.respond(now.mono, exchange, coap::Response::new(coap::Code::CHANGED));
        self.by_device.insert(device, ticket);
        let running = Running {
            session,
            asked,
            began_at: now.mono,
            step: None,
            request: None,
            again_at: None,
            is_saving: false,
            is_unsaved: false,
        };
        self.running.insert(ticket, running);
        self.go_on(now, ticket);
    }

    /// Asks what is next, or ends.
    pub(super) fn go_on(&mut self, now: Now, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        match running.session.next(now.wall) {
            Next::Step(step) => {
                running.step = Some(step);
                self.send(now, ticket);
                self.save(ticket);
            }
            Next::Nothing if running.session.has_ended() => self.conclude(ticket),
            Next::Nothing => {}
        }
    }

    pub(super) fn send(&mut self, now: Now, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.again_at = None;
        let Some(step) = &running.step else { return };
        debug!(request.id = %running.asked.id, step = %step, "bootstrap step");
        let models = Models::newest(&running.session.prepared().registry);
        let sent = binding::bootstrap::step(step, &models).and_then(|request| {
            let source = running.asked.origin.source;
            self.coap.send_request(now.mono, source, request).map_err(|error| error.to_string())
        });
        match sent {
            Ok(request) => {
                running.request = Some(request);
                self.by_request.insert(request, ticket);
            }
            Err(reason) => {
                running.step = None;
                running.session.answered(now.wall, StepAnswer::Broken { reason });
                // It ends within its steps: each call takes one.
                self.go_on(now, ticket);
            }
        }
    }

    pub(super) fn save(&mut self, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        if running.is_saving {
            running.is_unsaved = true;
            return;
        }
        running.is_saving = true;
        let record = Box::new(running.session.record().clone());
        self.outputs.push_back(Output::Save { ticket, record });
    }

    /// Ends what goes on at an address.
    pub(super) fn forget(&mut self, now: Now, source: Source, cause: Option<DiaryCause>, reason: &str) {
        for ticket in self.at(source) {
            if let Some(beginning) = self.beginning.get_mut(&ticket) {
                beginning.is_void = true;
            }
            self.abandon(now, ticket, cause, reason);
        }
        self.coap.renew_peer(now.mono, source);
        self.drain_coap(now);
    }

    pub(super) fn abandon(&mut self, now: Now, ticket: Ticket, cause: Option<DiaryCause>, reason: &str) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.session.abandon(now.wall, cause, reason);
        if let Some(request) = running.request.take() {
            self.by_request.remove(&request);
            self.coap.cancel_request(now.mono, request);
        }
        self.conclude(ticket);
    }

    pub(super) fn conclude(&mut self, ticket: Ticket) {
        let Some(Running { session, asked, .. }) = self.running.remove(&ticket) else { return };
        let (record, prepared) = (session.record(), session.prepared());
        if self.by_device.get(&prepared.device) == Some(&ticket) {
            self.by_device.remove(&prepared.device);
        }
        self.release(ticket, asked.origin.source);
        let result = record.result.name();
        metrics::counter!("muster_bootstraps_total", "result" => result).increment(1);
        if let Some(outcome) = record.repaired() {
            let outcome = outcome.replace(' ', "_");
            metrics::counter!("muster_bootstrap_repairs_total", "result" => outcome).increment(1);
        }
        match record.result {
            BootstrapResult::Finished => {
                info!(
                    request.id = %asked.id, device.endpoint = %prepared.endpoint,
                    repairs = record.repairs.len(), "bootstrap finished"
                );
            }
            _ => info!(
                request.id = %asked.id, device.endpoint = %prepared.endpoint, reason = record.reason,
                repairs = record.repairs.len(), "bootstrap failed"
            ),
        }
        self.outputs.push_back(Output::Ended { session: Box::new(session), asked });
    }

    /// What goes on at an address goes on at another one.
    pub(super) fn follow(&mut self, from: Source, to: Source) {
        for ticket in self.at(from) {
            self.release(ticket, from);
            self.occupy(ticket, to);
            let asked = match (self.beginning.get_mut(&ticket), self.running.get_mut(&ticket)) {
                (Some(beginning), _) => Some(&mut beginning.asked),
                (None, running) => running.map(|running| &mut running.asked),
            };
            if let Some(asked) = asked {
                asked.origin.source = to;
            }
        }
    }

    /// Takes the place of a session.
    pub(super) fn occupy(&mut self, ticket: Ticket, source: Source) {
        self.by_source.entry(source).or_default().insert(ticket);
        *self.by_address.entry(source.address.ip()).or_default() += 1;
    }

    /// Gives the place of a session free.
    pub(super) fn release(&mut self, ticket: Ticket, source: Source) {
        if let Some(here) = self.by_source.get_mut(&source) {
            here.remove(&ticket);
            if here.is_empty() {
                self.by_source.remove(&source);
            }
        }
        let address = source.address.ip();
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}
