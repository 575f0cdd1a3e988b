//! Webhooks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EventKind, Time};

/// A place that is told of events (Standard Webhooks 1.0).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Where.
    #[schema(example = "https://example.com/hook")]
    pub url: String,
    /// What it is told of; all if none is named.
    pub kinds: Vec<EventKind>,
    /// Who made it.
    #[schema(example = "ada")]
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// Whether it is paused by hand.
    #[schema(example = false)]
    pub paused: bool,
    /// Up to which number of the event log nothing waits for it: what was there before it was made, what it has taken, and
    /// what was given up. Not a count: see `last_success_at` for whether it has taken an event.
    pub log_position: i64,
    /// How often the next one has failed so far.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: Option<Time>,
    /// Why it failed the last time; empty if it did not.
    #[schema(example = "")]
    pub last_error: String,
    /// When it took an event the last time; none if it never did.
    pub last_success_at: Option<Time>,
    /// How many events were given up.
    pub given_up: u64,
}

/// A webhook to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where: `https`, or `http` on loopback.
    #[schema(example = "https://example.com/hook")]
    pub url: String,
    /// What it is to be told of; all if none is named.
    #[serde(default)]
    pub kinds: Vec<EventKind>,
}

/// A webhook that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What its deliveries are signed with: `whsec_` and base64. Shown this once; none in a replayed answer.
    #[schema(example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")]
    pub secret: Option<String>,
}

/// Whether a webhook is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Whether it is to be paused, or to go on.
    pub paused: bool,
}

impl From<fleet::Webhook> for Webhook {
    fn from(webhook: fleet::Webhook) -> Self {
        Self {
            id: webhook.public_id.to_string(),
            url: webhook.url,
            kinds: webhook.kinds.iter().filter_map(|kind| kind.parse().ok()).collect(),
            created_by: webhook.created_by,
            created_at: webhook.created_at.into(),
            paused: webhook.paused,
            log_position: webhook.delivered,
            failures: webhook.failures,
            retry_at: webhook.retry_at.map(Time::from),
            last_error: webhook.last_error,
            last_success_at: webhook.last_success_at.map(Time::from),
            given_up: webhook.given_up,
        }
    }
}
