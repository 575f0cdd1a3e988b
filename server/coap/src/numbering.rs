//! Tokens and message ids that do not repeat, not even over a restart within EXCHANGE_LIFETIME.
//!
//! A token is the pair (number of the start, counter) sent through a permutation of 64 bits that is keyed with the
//! installation's seed. As a permutation it never yields a token twice: not within a start, and not in another start,
//! until 65 536 starts have passed. As a keyed one it lets nobody outside the path guess a token (RFC 7252 §5.3.1).
//!
//! Message ids are only 16 bits wide. Those for a peer begin at a place that depends on the seed and the peer, moved on by
//! a stride for each start. The stride is the golden section of the range: those of two successive starts begin at least
//! 25 033 apart, which is more than `message_ids_per_lifetime`.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{MessageId, Token};

/// Which start of the process this is.
#[derive(Clone)]
pub struct Boot {
    /// Grows by one with every start; it may wrap.
    pub number: u16,
    /// A secret of the installation, the same for every start.
    pub seed: [u8; 32],
}

impl std::fmt::Debug for Boot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Boot").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Gives out tokens and the first message id for each peer.
#[derive(Debug)]
pub(crate) struct Numbering {
    boot: Boot,
    counter: u64,
}

impl Numbering {
    pub(crate) fn new(boot: Boot) -> Self {
        #[cfg(planted)]
        let boot = match planted::is(planted::Fault::TokensRepeated) {
            true => Boot { number: 0, ..boot },
            false => boot,
        };
        Self { boot, counter: 0 }
    }

    /// The seed of this start's own randomness.
    pub(crate) fn random_seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        for (chunk, part) in seed.chunks_exact_mut(8).zip(0_u8..) {
            chunk.copy_from_slice(&self.keyed((b'r', part, self.boot.number)).to_be_bytes());
        }
        seed
    }

    pub(crate) fn next_token(&mut self) -> Token {
        self.counter = (self.counter + 1) & 0xffff_ffff_ffff;
        Token::from(self.permute(u64::from(self.boot.number) << 48 | self.counter))
    }

    pub(crate) fn first_message_id(&self, peer: &impl Hash) -> MessageId {
        let place = self.keyed((b'm', peer)) as u16;
        MessageId(place.wrapping_add(self.boot.number.wrapping_mul(STRIDE)))
    }

    /// Four rounds of a Feistel network: a permutation whatever the round function is.
    fn permute(&self, value: u64) -> u64 {
        let (mut left, mut right) = ((value >> 32) as u32, value as u32);
        for round in 0..4_u8 {
            (left, right) = (right, left ^ self.keyed((b't', round, right)) as u32);
        }
        u64::from(left) << 32 | u64::from(right)
    }

    fn keyed(&self, input: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.boot.seed.hash(&mut hasher);
        input.hash(&mut hasher);
        hasher.finish()
    }
}

/// 65 536 times the golden section, made odd.
const STRIDE: u16 = 40_503;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn start(number: u16) -> Numbering {
        Numbering::new(Boot { number, seed: [7; 32] })
    }

    #[test]
    fn tokens_of_several_starts_never_meet() {
        let mut seen = BTreeSet::new();
        for number in [0, 1, 2, u16::MAX] {
            let mut numbering = start(number);
            for _ in 0..10_000 {
                assert!(seen.insert(numbering.next_token()));
            }
        }
    }

    #[test]
    fn message_ids_of_successive_starts_begin_far_apart() {
        for number in [0, 1, 40_000, u16::MAX] {
            let (MessageId(first), MessageId(second)) =
                (start(number).first_message_id(&1), start(number.wrapping_add(1)).first_message_id(&1));
            let apart = second.wrapping_sub(first);
            assert!(apart.min(apart.wrapping_neg()) >= 25_033);
        }
    }

    #[test]
    fn a_seed_is_not_printed() {
        assert!(!format!("{:?}", start(3)).contains("7, 7"));
    }
}
