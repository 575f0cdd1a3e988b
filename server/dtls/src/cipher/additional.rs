//! What is authenticated besides the plaintext: the additional data of an AEAD (RFC 5246 §6.2.3.3), and what a MAC begins
//! with (§6.2.3.1). Both are the same bytes, with a connection id (RFC 9146 §5) as without.

use super::Place;
use crate::record::{TLS12_CID, VERSION_1_2, number};

/// The bytes. The length that is authenticated is the last two of them.
pub(super) struct Additional {
    bytes: [u8; MAX],
    length: usize,
}

impl Additional {
    pub(super) fn new(place: Place<'_>, length: usize) -> Self {
        let mut additional = Self { bytes: [0; MAX], length: 0 };
        let number = number(place.epoch, place.sequence);
        let version = VERSION_1_2.to_be_bytes();
        if place.cid.is_empty() {
            additional.add(&number);
            additional.add(&[place.kind]);
            additional.add(&version);
        } else {
            let cid_len = u8::try_from(place.cid.len())
                .expect("a connection id is no longer than its length byte says");
            // RFC 9146 §5: `seq_num_placeholder`, then the header as it is sent.
            additional.add(&[0xff; 8]);
            additional.add(&[TLS12_CID, cid_len, TLS12_CID]);
            additional.add(&version);
            additional.add(&number);
            additional.add(place.cid);
        }
        additional.add(&u16::try_from(length).expect("a fragment is shorter than 2^16").to_be_bytes());
        additional
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

impl AsRef<[u8]> for Additional {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// With the longest connection id.
const MAX: usize = 8 + 3 + 2 + 8 + 255 + 2;
