use proptest::prelude::*;

use super::*;
use crate::message::{Header, kind};

const MAX: usize = 16 << 10;

fn fragment(sequence: u16, len: usize, offset: usize, bytes: &[u8]) -> Fragment<'_> {
    let header = Header { kind: kind::CERTIFICATE, len, sequence, offset, fragment: bytes.len() };
    Fragment { header, bytes }
}

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect()
}

fn of(parts: &[(usize, &[u8])], len: usize) -> Option<Message> {
    let mut reassembly = Reassembly::new(0, MAX);
    for (offset, bytes) in parts {
        assert_eq!(reassembly.take(fragment(0, len, *offset, bytes)), Taken::Kept);
    }
    reassembly.pop()
}

#[test]
fn a_whole_message_is_given_back_at_once() {
    let message = of(&[(0, b"abc")], 3).unwrap();
    assert_eq!((message.kind, message.sequence, &message.body[..]), (kind::CERTIFICATE, 0, &b"abc"[..]));
}

#[test]
fn an_empty_message_is_complete_with_its_header() {
    assert_eq!(of(&[(0, b"")], 0).unwrap().body, b"");
    assert_eq!(of(&[(0, b"")], 3), None);
}

#[test]
fn fragments_overlap_and_come_in_any_order() {
    assert_eq!(of(&[(3, b"def"), (0, b"abcd")], 6).unwrap().body, b"abcdef");
    assert_eq!(of(&[(4, b"e"), (0, b"a"), (1, b"bcdef")], 6).unwrap().body, b"abcdef");
    assert_eq!(of(&[(2, b"c"), (4, b"e"), (0, b"abcdef")], 6).unwrap().body, b"abcdef");
    assert_eq!(of(&[(2, b"cd"), (0, b"ab"), (2, b"cd")], 6), None);
}

#[test]
fn what_came_first_stays() {
    assert_eq!(of(&[(2, b"cd"), (0, b"XXXXXX")], 6).unwrap().body, b"XXcdXX");
}

#[test]
fn a_fragment_with_another_header_is_refused_and_harms_nothing() {
    let mut reassembly = Reassembly::new(0, MAX);
    assert_eq!(reassembly.take(fragment(0, 4, 0, b"ab")), Taken::Kept);
    assert_eq!(reassembly.take(fragment(0, 5, 2, b"cde")), Taken::Refused("message header"));
    assert_eq!(reassembly.take(fragment(0, 4, 2, b"cd")), Taken::Kept);
    assert_eq!(reassembly.pop().unwrap().body, b"abcd");
}

#[test]
fn messages_are_given_in_order_and_numbers_wrap() {
    let mut reassembly = Reassembly::new(u16::MAX, MAX);
    assert_eq!(reassembly.take(fragment(0, 1, 0, b"b")), Taken::Kept);
    assert_eq!(reassembly.pop(), None);
    assert_eq!(reassembly.take(fragment(u16::MAX, 1, 0, b"a")), Taken::Kept);
    assert_eq!(reassembly.pop().unwrap().body, b"a");
    assert_eq!(reassembly.pop().unwrap().body, b"b");
    assert_eq!(reassembly.next_sequence(), 1);
    assert_eq!(reassembly.take(fragment(0, 1, 0, b"b")), Taken::Old);
    assert_eq!(reassembly.take(fragment(9, 1, 0, b"z")), Taken::Refused("messages ahead"));
}

#[test]
fn a_claimed_length_costs_nothing() {
    let mut reassembly = Reassembly::new(0, 0xff_ffff);
    for sequence in 0..AHEAD {
        assert_eq!(reassembly.take(fragment(sequence, 0xff_ffff, 0xff_fffe, b"z")), Taken::Kept);
    }
    assert_eq!(reassembly.held, usize::from(AHEAD));
    let capacity: usize = reassembly
        .partials
        .iter()
        .flatten()
        .flat_map(|partial| partial.pieces.values())
        .map(Vec::capacity)
        .sum();
    assert!(capacity <= 8 * usize::from(AHEAD), "{capacity} bytes for 8 that came");
}

#[test]
fn a_message_longer_than_the_bound_is_refused() {
    let mut reassembly = Reassembly::new(0, MAX);
    assert_eq!(reassembly.take(fragment(0, MAX + 1, 0, b"a")), Taken::Refused("message length"));
    assert_eq!(reassembly.take(fragment(0, MAX, 0, b"a")), Taken::Kept);
}

#[test]
fn messages_ahead_cannot_take_the_room_of_the_next_one() {
    let mut reassembly = Reassembly::new(0, MAX);
    let full = body(MAX);
    assert_eq!(reassembly.take(fragment(1, MAX, 0, &full)), Taken::Kept);
    assert_eq!(reassembly.take(fragment(2, MAX, 0, &full)), Taken::Refused("bytes ahead"));
    assert_eq!(reassembly.take(fragment(0, MAX, 0, &full)), Taken::Kept);
    assert_eq!(reassembly.held, 2 * MAX);
    assert_eq!(reassembly.pop().unwrap().body, full);
    assert_eq!(reassembly.pop().unwrap().body, full);
    assert_eq!((reassembly.held, reassembly.pieces), (0, 0));
}

/// The sixty thousand fragments of one byte that end a process of webrtc-dtls.
#[test]
fn sixty_thousand_fragments_of_a_byte_take_little_room_and_linear_time() {
    const FRAGMENTS: usize = 60_000;
    // In order, they are one piece.
    let mut reassembly = Reassembly::new(0, FRAGMENTS);
    for at in 0..FRAGMENTS {
        assert_eq!(reassembly.take(fragment(0, FRAGMENTS, at, b"x")), Taken::Kept);
        assert_eq!(reassembly.pieces, 1);
    }
    assert_eq!(reassembly.pop().unwrap().body.len(), FRAGMENTS);
    // With gaps, or backwards, no more than so many pieces are held.
    for at in [|n| 2 * n % FRAGMENTS, |n| FRAGMENTS - 1 - n] {
        let mut reassembly = Reassembly::new(0, FRAGMENTS);
        for n in 0..FRAGMENTS {
            reassembly.take(fragment(0, FRAGMENTS, at(n), b"x"));
        }
        assert_eq!((reassembly.pieces, reassembly.held), (PIECES, PIECES));
        assert_eq!(reassembly.pop(), None);
    }
}

proptest! {
    /// However a message is cut and mixed, it is the same again: against a map of bytes.
    #[test]
    fn any_cuts_in_any_order_give_the_message(
        len in 0_usize..600,
        cuts in prop::collection::vec((0_usize..600, 0_usize..80), 0..80),
    ) {
        let whole = body(len);
        let mut reassembly = Reassembly::new(0, MAX);
        let mut seen = vec![false; len];
        for (offset, count) in cuts {
            let begin = offset.min(len);
            let end = (begin + count).min(len);
            seen[begin..end].fill(true);
            prop_assert_eq!(reassembly.take(fragment(0, len, begin, &whole[begin..end])), Taken::Kept);
            prop_assert_eq!(reassembly.held, seen.iter().filter(|seen| **seen).count());
        }
        let rest = reassembly.take(fragment(0, len, 0, &whole));
        prop_assert_eq!(rest, Taken::Kept);
        prop_assert_eq!(reassembly.pop().unwrap().body, whole);
        prop_assert_eq!((reassembly.held, reassembly.pieces), (0, 0));
    }
}
