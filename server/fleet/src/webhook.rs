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

impl WebhookSecret {
    /// What its text begins with (Standard Webhooks 1.0).
    pub const PREFIX: &str = "whsec_";
    /// How many bytes are made: those specifications ask for 24 to 64.
    pub const BYTES: usize = 24;

    /// As whoever verifies the deliveries is given it: the prefix and base64.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", Self::PREFIX, base64(&self.0)))
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let index = bits >> (18 - 6 * place) & 63;
            let letter = ALPHABET[usize::try_from(index).unwrap_or(0)];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_as_the_specification_says_and_printed_never() {
        // RFC 4648 §10.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
        let secret = WebhookSecret(Zeroizing::new(vec![0xff; WebhookSecret::BYTES]));
        assert_eq!(secret.text().as_str(), format!("whsec_{}", "/".repeat(32)));
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }
}
