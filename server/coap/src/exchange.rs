//! Exchanges: a request and its response, from the side that asks and from the side that answers.

mod client;
mod server;

pub(crate) use client::{ClientExchange, Purpose, Step};
pub use server::ExchangeId;
pub(crate) use server::ServerExchange;

use crate::{Message, MessageId, SentNotificationId, Token, transmission::Backoff};

/// Names a message, or a sequence of them, that this endpoint sends on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SendId(pub(crate) u64);

/// A message of ours that waits for its turn, an acknowledgement or a response.
#[derive(Debug)]
pub(crate) struct Outgoing<P> {
    pub(crate) peer: P,
    pub(crate) work: Work,
    /// What is on its way; nothing while it waits in the queue.
    pub(crate) flight: Option<Flight>,
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Work {
    /// A request of the caller, or one that fetches the rest of a notification.
    Request(Box<ClientExchange>),
    /// A separate response (RFC 7252 §5.2.2); its message id is given when it leaves.
    Response(Message),
    /// A notification of ours.
    Notification(Message),
}

impl<P> Outgoing<P> {
    pub(crate) fn token(&self) -> Token {
        match &self.work {
            Work::Request(exchange) => exchange.token(),
            Work::Response(message) | Work::Notification(message) => message.token,
        }
    }
}

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) message_id: MessageId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) backoff: Backoff,
    pub(crate) acknowledged: bool,
}

impl From<SendId> for SentNotificationId {
    fn from(id: SendId) -> Self {
        Self(id)
    }
}
