//! Hosts that are nobody's: I-8, I-12, I-15, I-16 and I-26.

use std::{collections::BTreeMap, net::SocketAddr};

use coap::{Code, Message};

use super::View;

/// What strangers sent and got.
#[derive(Default)]
pub(super) struct Ledger(BTreeMap<SocketAddr, Account>);

#[derive(Default)]
struct Account {
    received: usize,
    sent: usize,
    /// Whether records with connection ids came from there.
    moves: bool,
    /// Whether a record came from there that the server had answered before.
    replays: bool,
}

/// What a stranger wants, by the first octet of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To act for another device.
    Impersonate = 0xf1,
    /// To have a body taken of which a part is missing.
    Gap = 0xf2,
    /// An answer, the longer the better.
    Answer = 0xf3,
}

/// RFC 9175 §2.4.
const UNVERIFIED_REPLY: usize = 136;
const AMPLIFICATION: usize = 3;

/// Of a record.
const HEADER: usize = 13;

/// The content type of records with connection ids (RFC 9146 §4).
const WITH_CONNECTION_ID: u8 = 25;

impl Wish {
    const ALL: [Self; 3] = [Self::Impersonate, Self::Gap, Self::Answer];

    /// The wish that a message is about.
    fn of(message: &Message) -> Option<Self> {
        let first = *message.token.as_bytes().first().filter(|_| message.token.as_bytes().len() == 3)?;
        Self::ALL.into_iter().find(|wish| *wish as u8 == first)
    }
}

impl Ledger {
    /// A stranger's datagram has reached the server: one that was answered before, or another.
    pub(super) fn received(&mut self, from: SocketAddr, bytes: &[u8], again: bool) {
        let account = self.0.entry(from).or_default();
        account.received += bytes.len();
        account.moves |= records(bytes).any(|kind| kind == WITH_CONNECTION_ID);
        account.replays |= again;
    }

    /// The server has sent something to a stranger. I-16: no more than came from there, or three times that where that is allowed.
    pub(super) fn sent(&mut self, view: &View<'_>, to: SocketAddr, bytes: &[u8]) {
        let account = self.0.entry(to).or_default();
        account.sent += bytes.len();
        let message = Message::parse(bytes).ok();
        let times = if message.is_some() || account.moves { AMPLIFICATION } else { 1 };
        let Account { received, sent, moves, replays } = *account;
        if replays {
            view.bench.violate("I-12", format!("a record that was answered before is answered to {to}"));
        }
        if sent > times * received || message.is_some() && bytes.len() > UNVERIFIED_REPLY {
            let id = if moves { "I-15" } else { "I-16" };
            view.bench.violate(id, format!("{to} sent {received} bytes and got {sent}"));
        }
        if let Some(message) = message {
            answered(view, &message);
        }
    }
}

/// The content types of the records in a datagram (RFC 6347 §4.1); in one with a connection id the length stands behind that.
fn records(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&kind, header) = (rest.first()?, rest.get(..HEADER)?);
        let len = usize::from(u16::from_be_bytes([header[HEADER - 2], header[HEADER - 1]]));
        rest = rest.get(HEADER + len..).filter(|_| kind != WITH_CONNECTION_ID).unwrap_or_default();
        Some(kind)
    })
}

/// Somebody has heard the answer to something that is not to be done. I-8: nobody acts for another. I-26: what came in blocks is
/// taken whole or not at all.
pub(super) fn answered(view: &View<'_>, message: &Message) {
    let Some(wish) = Wish::of(message) else { return };
    match wish {
        Wish::Impersonate if message.code.is_response() && !is_refusal(message.code) => {
            view.bench
                .violate("I-8", format!("an Update or Deregister for another is answered {}", message.code));
        }
        // RFC 7959 §2.9.2: what is missing is said to be, and nothing is made of the rest.
        Wish::Gap if !is_of_blocks(message.code) => {
            view.bench.violate("I-26", format!("a body with a gap is answered {}", message.code));
        }
        _ => {}
    }
}

/// As if the registration were unknown, or nobody had time to look.
fn is_refusal(code: Code) -> bool {
    matches!(code, Code::NOT_FOUND | Code::SERVICE_UNAVAILABLE)
}

/// What a transfer is told that is not complete.
fn is_of_blocks(code: Code) -> bool {
    matches!(code, Code::EMPTY | Code::CONTINUE | Code::REQUEST_ENTITY_INCOMPLETE | Code::SERVICE_UNAVAILABLE)
}
