//! Messages and their exchanges: I-10, I-12 and I-22.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use coap::{Kind, Message, OptionNumber, Token};

use super::View;

/// What is remembered of messages.
#[derive(Default)]
pub(super) struct Exchanges {
    /// In which life of the server a token was first used.
    tokens: BTreeMap<Token, u32>,
    /// How often a confirmable message left or was heard, by where it went, its id and token, and when it did first.
    transmissions: BTreeMap<(SocketAddr, u16, Token), (u32, Duration)>,
}

/// RFC 7252 §4.8.
const MAX_RETRANSMIT: u32 = 4;
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

impl Exchanges {
    /// The server has sent a message in the clear. I-22: it is sent again four times at most, after twice as long each time.
    pub(super) fn sent(&mut self, view: &View<'_>, to: SocketAddr, message: &Message) {
        let Some((times, first)) = self.transmit(view, to, message) else { return };
        let due = first + ACK_TIMEOUT * ((1 << (times - 1).min(16)) - 1);
        if view.bench.now() < due {
            let text = format!("message {} to {to} was sent the {times}th time before {due:?}", message.id.0);
            view.bench.violate("I-22", text);
        }
    }

    /// A device has heard a message that the server sent in this life.
    pub(super) fn heard(&mut self, view: &View<'_>, device: usize, life: u32, message: &Message) {
        let node = &view.nodes[device];
        if node.way.secure {
            self.transmit(view, node.address, message);
        }
        // An observation keeps its token.
        if message.code.is_request() && message.options.uint(OptionNumber::OBSERVE).is_none() {
            let first = *self.tokens.entry(message.token).or_insert(life);
            if first != life {
                let text =
                    format!("token {} was used in life {first}, and is again in {life}", message.token);
                view.bench.violate("I-10", text);
            }
        }
        // I-12: each answer is to a record of its own, unless one was taken twice.
        let key = (message.id.0, message.token);
        if message.kind == Kind::Acknowledgement
            && message.code.is_response()
            && node.way.secure
            && let Some(asked) = view.model.request(device, node.power_cycles, key)
            && asked.answered > asked.said
        {
            let text = format!(
                "{}: message {} was sent in {} records and is answered {} times",
                view.model.devices[device].endpoint, message.id.0, asked.said, asked.answered
            );
            view.bench.violate("I-12", text);
        }
    }

    fn transmit(&mut self, view: &View<'_>, to: SocketAddr, message: &Message) -> Option<(u32, Duration)> {
        if message.kind != Kind::Confirmable {
            return None;
        }
        let key = (to, message.id.0, message.token);
        let (times, first) = self.transmissions.entry(key).or_insert_with(|| (0, view.bench.now()));
        *times += 1;
        if *times > 1 + MAX_RETRANSMIT {
            view.bench.violate("I-22", format!("message {} to {to} was sent {times} times", message.id.0));
        }
        Some((*times, *first))
    }
}
