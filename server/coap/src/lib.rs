//! A CoAP endpoint as a state machine: RFC 7252 over datagrams, block-wise transfer (RFC 7959), observation (RFC 7641),
//! FETCH, PATCH and iPATCH (RFC 8132).
//!
//! It has no socket, no clock and no source of randomness. A caller feeds [`Endpoint::handle_datagram`] and
//! [`Endpoint::handle_timeout`], calls verbs such as [`Endpoint::send_request`] and [`Endpoint::respond`], and after each
//! of them drains [`Endpoint::poll_output`]; then it sleeps until [`Endpoint::poll_timeout`]. It is not a router (paths
//! mean nothing here), no proxy, and serves no multicast. Security is a layer below, LwM2M one above.
//!
//! Start with [`Endpoint`]; [`Request`], [`Response`] and [`Event`] are what passes through it. [`Message`] is the packet,
//! of use for tests and for showing traffic to people.

#![warn(missing_docs)]

mod block;
mod code;
mod config;
mod counters;
mod dedup;
mod endpoint;
mod event;
mod exchange;
mod message;
mod numbering;
mod observe;
mod option;
mod request;
mod response;
mod timer;
mod token;
mod transfer;
mod transmission;

pub use block::{Block, BlockError, BlockSize};
pub use code::{Code, Method};
pub use config::{Bounds, Config, Transmission};
pub use counters::Counters;
pub use endpoint::{Endpoint, LastNotification, Usage};
pub use event::{Event, Failure, Output, Peer, RequestId, SendError, SentNotificationId};
pub use exchange::ExchangeId;
pub use message::{Kind, Message, MessageError, MessageId};
pub use numbering::Boot;
pub use observe::NotificationId;
pub use option::{OptionNumber, Options};
pub use request::{Observe, Request};
pub use response::Response;
pub use token::Token;
pub use transfer::{Part, Sent, Transfer};
