//! The way to a server: which one the device speaks to, and whether there is a session with it.

use std::time::Duration;

use super::{Device, Server, client::Phase};
use crate::{Account, Event, Interaction, Output};

/// Whether there is a way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The device knows of no address: whatever it sends goes to the one server there is.
    Direct,
    Down,
    /// The caller has been asked for a session.
    Pending,
    Up,
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Bootstrap,
    Register,
}

impl Device {
    /// The session that the last [`Output::Connect`] asked for stands: the device sends its first request. Without security
    /// that is so at once. Nothing happens if none was asked for.
    pub fn connected(&mut self, now: Duration) {
        let Phase::Connecting { goal } = self.phase else { return };
        self.link = Link::Up;
        match goal {
            Goal::Bootstrap => self.request_bootstrap(now),
            Goal::Register => self.register(now),
        }
        self.settle(now);
    }

    /// The session that the last [`Output::Connect`] asked for could not be made, or the one there was is over. The device
    /// asks for another when it is time. Nothing happens without a session.
    pub fn connection_failed(&mut self, now: Duration) {
        if !matches!(self.link, Link::Pending | Link::Up) {
            return;
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Waiting { until: now, goal: Goal::Register });
        self.disconnect(now);
        match phase {
            Phase::Off { .. } | Phase::Waiting { .. } => self.phase = phase,
            Phase::Deregistering { then, .. } => self.left(now, then),
            Phase::Bootstrapping(session) => self.abandon(now, *session),
            Phase::Connecting { goal: Goal::Bootstrap } => self.bootstrap_failed(now),
            Phase::Connecting { goal: Goal::Register }
            | Phase::Registering { .. }
            | Phase::Registered { .. } => self.register_failed(now, None),
        }
        self.settle(now);
    }

    /// Goes for the management server, or else for the bootstrap server, after its hold-off.
    pub(super) fn set_out(&mut self, now: Duration) {
        if self.link == Link::Direct || self.accounts.management(&self.tree).is_some() {
            self.connect(now, Goal::Register);
        } else {
            self.hold_off(now);
        }
    }

    /// Asks for a session with a server, if the device knows one.
    pub(super) fn connect(&mut self, now: Duration, goal: Goal) {
        if self.link == Link::Direct {
            return self.register(now);
        }
        let Some(to) = self.destination(goal) else {
            return match goal {
                Goal::Register if self.accounts.bootstrap().is_some() => self.hold_off(now),
                Goal::Register | Goal::Bootstrap => {
                    self.phase = Phase::Waiting { until: now + self.profile.retry, goal: Goal::Register };
                }
            };
        };
        self.disconnect(now);
        self.link = Link::Pending;
        self.phase = Phase::Connecting { goal };
        self.outputs.push_back(Output::Connect { to });
    }

    /// Leaves the server: what is under way with it comes to its end, and nothing of it reaches the next one.
    pub(super) fn disconnect(&mut self, now: Duration) {
        self.end_observations();
        if self.link == Link::Direct {
            return;
        }
        self.late.clear();
        self.endpoint.forget_peer(now, self.server);
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                // The last words to the old server.
                coap::Output::Transmit { peer, bytes } if peer == self.server => {
                    self.outputs.push_back(Output::Transmit { bytes });
                }
                coap::Output::Event(coap::Event::Response { request, outcome: Err(failure), .. })
                    if self.sends.remove(&request) =>
                {
                    self.emit(Event::Unanswered { interaction: Interaction::Send, failure });
                }
                coap::Output::Event(coap::Event::Request { exchange, .. }) => {
                    self.endpoint.drop_exchange(now, exchange);
                }
                coap::Output::Transmit { .. } | coap::Output::Event(_) => {}
            }
        }
        self.server = Server(self.server.0.wrapping_add(1));
        self.link = Link::Down;
    }

    fn destination(&mut self, goal: Goal) -> Option<Account> {
        let security = match goal {
            Goal::Bootstrap => self.accounts.bootstrap()?,
            Goal::Register => {
                let (security, server) = self.accounts.management(&self.tree)?;
                self.tree.choose_account(server);
                security
            }
        };
        self.accounts.account(security).ok()
    }
}
