//! DTLS 1.2 (RFC 6347) as a state machine, for servers of many constrained devices, and for such devices.
//!
//! It has no socket, no clock and no source of randomness, and knows nothing of what it carries. A caller feeds
//! [`Endpoint::handle_datagram`] and [`Endpoint::handle_timeout`], answers what it is asked ([`Event`]), and after each call drains
//! [`Endpoint::poll_output`]; then it sleeps until [`Endpoint::poll_timeout`].
//!
//! What takes long is not done here: keys are looked up by the caller, public-key operations are a [`Job`] that runs on
//! whatever thread the caller likes, and a session is handed out as one value ([`Saved`]) to be made durable before the
//! handshake's last flight leaves. A session that is idle is that value, and outlives the process.
//!
//! Start with [`Endpoint`]; [`Output`] and [`Event`] are what it says, [`Config`] what it is told once.

#![warn(missing_docs)]

mod alert;
mod bounds;
mod cipher;
mod client;
mod config;
mod cookie;
mod endpoint;
mod event;
mod failure;
mod flight;
mod handshake;
mod job;
mod message;
mod prf;
mod record;
mod replay;
mod server;
mod session;
mod sessions;
mod suite;
mod timer;
mod trust;

pub use alert::Alert;
pub use bounds::Bounds;
pub use config::{Config, Connect, Offer, ServerIdentity};
pub use endpoint::{Counters, Endpoint, SendError, Usage};
pub use event::{Claim, Ended, Event, HandshakeId, Known, Output, SessionId, Tag};
pub use failure::{Failure, Reason, Step};
pub use job::{Computed, Job, SigningKey, SigningKeyError};
pub use session::{RestoreError, Saved};
pub use suite::Suite;
pub use trust::{Trust, TrustError, Untrusted};
