//! Padding and MAC of a decrypted CBC record, in time and memory accesses that depend on its length alone and not on what is in
//! it (AlFardan and Paterson, "Lucky Thirteen"). SHA-256's compression runs as often as for the longest content that a record of
//! this length can have, over blocks that are put together by masks, and the right state is picked out by mask as well.

use std::hint::black_box;

use sha2::block_api::compress256;
use subtle::Choice;

/// What the padding says.
pub(super) struct Unpadded {
    /// Whether it is well-formed.
    pub(super) good: Choice,
    /// How long the content is, without MAC and padding; if the padding is bad, as if there were none.
    pub(super) length: usize,
}

/// Reads the padding of a text that ends in a MAC of so many bytes and the padding. The text is longer than the MAC.
pub(super) fn unpad(text: &[u8], mac: usize) -> Unpadded {
    let fill = text[text.len() - 1];
    let padding = black_box(usize::from(fill));
    let mut bad = !less(padding + mac, text.len());
    for (back, byte) in text.iter().rev().take(MAX_PADDING).enumerate() {
        bad |= less(back, padding + 1) & (byte ^ fill);
    }
    let good = less(usize::from(bad), 1);
    let length = text.len() - mac - 1 - (padding & usize::from(good));
    Unpadded { good: Choice::from(good & 1), length }
}

/// HMAC-SHA-256 over `head` and the first `length` bytes of the text, of which no more than the last `MAX_PADDING` and `tail` are not
/// content. `length` is secret.
pub(super) fn mac(key: &[u8; 32], head: &[u8], text: &[u8], length: usize, tail: usize) -> [u8; 32] {
    let most = text.len() - tail - 1;
    let least = most.saturating_sub(MAX_PADDING);
    let end = black_box(head.len() + length);
    // The block in which the padding of SHA-256 ends: behind 0x80 and 8 bytes of length.
    let last = (end + 8) / BLOCK;
    let bits = (8 * (BLOCK + end) as u64).to_be_bytes();

    let mut state = keyed(key, 0x36);
    let mut digest = [0_u32; 8];
    for index in 0..=(head.len() + most + 8) / BLOCK {
        let at = index * BLOCK;
        let mut block = [0; BLOCK];
        fill(&mut block, at, head, text);
        if at + BLOCK > head.len() + least {
            for (offset, byte) in block.iter_mut().enumerate() {
                let position = at + offset;
                *byte = *byte & less(position, end) | 0x80 & equal(position, end);
            }
            let is_last = equal(index, last);
            for (byte, bits) in block[BLOCK - 8..].iter_mut().zip(bits) {
                *byte |= bits & is_last;
            }
            compress256(&mut state, &[block]);
            let picked = u32::from_ne_bytes([is_last; 4]);
            for (word, state) in digest.iter_mut().zip(state) {
                *word |= state & picked;
            }
        } else {
            compress256(&mut state, &[block]);
        }
    }

    let mut block = [0; BLOCK];
    block[..32].copy_from_slice(&bytes(digest));
    block[32] = 0x80;
    block[BLOCK - 8..].copy_from_slice(&(8 * (BLOCK as u64 + 32)).to_be_bytes());
    let mut state = keyed(key, 0x5c);
    compress256(&mut state, &[block]);
    bytes(state)
}

/// The 32 bytes of the text at `start`, which is secret but within `MAX_PADDING` of the last place where they fit before one more byte.
pub(super) fn cut(text: &[u8], start: usize) -> [u8; 32] {
    let least = (text.len() - 33).saturating_sub(MAX_PADDING);
    let start = black_box(start);
    // Each byte goes where it would be if the text were wound around 32 places, and then all are turned back.
    let mut wound = [0; 32];
    for (offset, byte) in text[least..].iter().enumerate() {
        let position = least + offset;
        wound[offset % 32] |= byte & less(position, start + 32) & !less(position, start);
    }
    let turns = (start - least) % 32;
    for step in [1, 2, 4, 8, 16] {
        let turned: [u8; 32] = std::array::from_fn(|place| wound[(place + step) % 32]);
        let stay = equal(turns & step, 0);
        for (byte, turned) in wound.iter_mut().zip(turned) {
            *byte = *byte & stay | turned & !stay;
        }
    }
    wound
}

/// The state of SHA-256 behind the block that HMAC begins with (RFC 2104 §2).
fn keyed(key: &[u8; 32], pad: u8) -> [u32; 8] {
    let mut block = [pad; BLOCK];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let mut state = INITIAL;
    compress256(&mut state, &[block]);
    state
}

/// Copies what stands at `at` in `head` and `text`, one behind the other.
fn fill(block: &mut [u8; BLOCK], at: usize, head: &[u8], text: &[u8]) {
    let from_head = head.get(at..).unwrap_or_default();
    let from_head = &from_head[..from_head.len().min(BLOCK)];
    let (front, back) = block.split_at_mut(from_head.len());
    front.copy_from_slice(from_head);
    let from_text = text.get((at + front.len()).saturating_sub(head.len())..).unwrap_or_default();
    let length = from_text.len().min(back.len());
    back[..length].copy_from_slice(&from_text[..length]);
}

fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.chunks_exact_mut(4).zip(state).for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_be_bytes()));
    bytes
}

/// All ones if `a < b`, for numbers far smaller than the largest.
fn less(a: usize, b: usize) -> u8 {
    0_u8.wrapping_sub((a.wrapping_sub(b) >> (usize::BITS - 1)) as u8)
}

/// All ones if they are equal.
fn equal(a: usize, b: usize) -> u8 {
    less(a ^ b, 1)
}

const BLOCK: usize = 64;
/// The longest padding, and the byte that tells its length.
const MAX_PADDING: usize = 256;
/// FIPS 180-4 §5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    #[test]
    fn the_mac_is_hmac_at_every_length() {
        let key = std::array::from_fn(|n| n as u8);
        let text: Vec<u8> = (0..700).map(|n| (n * 7) as u8).collect();
        for head in [13, 23, 31, 64, 100] {
            let head: Vec<u8> = (0..head).map(|n| n as u8 ^ 0x55).collect();
            for whole in (48..=400).step_by(16).chain([688]) {
                for padding in 0..256.min(whole - 32) {
                    let length = whole - 33 - padding;
                    let mut naive = Hmac::<Sha256>::new_from_slice(&key).unwrap();
                    naive.update(&head);
                    naive.update(&text[..length]);
                    let naive: [u8; 32] = naive.finalize().into_bytes().into();
                    assert_eq!(mac(&key, &head, &text[..whole], length, 32), naive, "{length} of {whole}");
                    assert_eq!(cut(&text[..whole], length), text[length..][..32], "{length} of {whole}");
                }
            }
        }
    }

    #[test]
    fn padding_is_good_if_each_byte_is_its_length() {
        for whole in (48..=400).step_by(16) {
            for padding in 0..=255_u8 {
                let mut text = vec![0xee; whole];
                let from = whole.saturating_sub(usize::from(padding) + 1);
                text[from..].fill(padding);
                let fits = usize::from(padding) + 33 <= whole;
                let unpadded = unpad(&text, 32);
                assert_eq!(bool::from(unpadded.good), fits, "{padding} in {whole}");
                let length = whole - 33 - if fits { usize::from(padding) } else { 0 };
                assert_eq!(unpadded.length, length, "{padding} in {whole}");
                for at in from..whole - 1 {
                    text[at] ^= 1;
                    assert!(!bool::from(unpad(&text, 32).good), "{at} of {padding} in {whole}");
                    text[at] ^= 1;
                }
            }
        }
    }
}
