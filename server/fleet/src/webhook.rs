//! Webhooks: where events are sent to, signed (Standard Webhooks 1.0), in order, again until they are taken.

use std::fmt;

use zeroize::Zeroizing;

use crate::{PublicId, Timestamp};

/// A place that wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name in URLs.
    pub public_id: PublicId,
    /// Where: `https`, or `http` on loopback.
    pub url: String,
    /// Which kinds of events, by [`crate::LoggedKind::name`]; all if none is named.
    pub kinds: Vec<String>,
    /// Who made it, by name.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The last event of the log that it has taken or that has been given up.
    pub delivered: i64,
    /// How often the next one has failed so far.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// Why it failed the last time.
    pub last_error: String,
    /// When it took an event the last time.
    pub last_success_at: Option<Timestamp>,
    /// How many events were given up.
    pub given_up: u64,
    /// Whether it is paused by hand.
    pub paused: bool,
}

/// The key that deliveries are signed with; sealed in the store, shown once. Prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(pub Zeroizing<Vec<u8>>);

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Which webhook.
    pub webhook: PublicId,
    /// The last event that needs no further try.
    pub delivered: i64,
    /// Failures since then.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// Why it failed.
    pub last_error: String,
    /// When it took an event, if it did.
    pub success_at: Option<Timestamp>,
    /// How many events are given up by this.
    pub given_up: u64,
}

impl Webhook {
    /// How many there are at most.
    pub const MAX: usize = 100;
    /// The longest address, in bytes.
    pub const MAX_URL: usize = 2_048;
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
