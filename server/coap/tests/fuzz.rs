//! The fuzz targets as ordinary tests: over their corpora, and over bytes that a seed makes up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "fuzz/conversation.rs"]
mod conversation;
#[path = "fuzz/message.rs"]
mod message;

use std::{fs, path::Path};

use proptest::prelude::*;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn the_corpus_of_messages_survives() {
    corpus("message").iter().for_each(|bytes| message::round_trip(bytes));
}

#[test]
fn the_corpus_of_conversations_survives() {
    corpus("endpoint").iter().for_each(|bytes| conversation::hold(bytes));
}

#[test]
fn every_small_message_survives() {
    // Header, and two more bytes of every value for each type and the codes at the edges of their classes.
    for first in [0x40, 0x41, 0x42, 0x49, 0x50, 0x51, 0x60, 0x61, 0x70, 0x71, 0x00, 0x80] {
        for code in [0x00, 0x01, 0x08, 0x1f, 0x20, 0x45, 0x5f, 0x82, 0xa0, 0xc0, 0xff] {
            for tail in 0..=u16::MAX {
                let [high, low] = tail.to_be_bytes();
                message::round_trip(&[first, code, 0, 1, high, low]);
            }
            for tail in 0..=u8::MAX {
                message::round_trip(&[first, code, 0, 1, tail]);
            }
            message::round_trip(&[first, code, 0, 1]);
        }
    }
}

#[test]
fn every_token_length_survives_every_truncation() {
    for first in 0..=u8::MAX {
        let bytes: Vec<u8> = std::iter::once(first).chain([0x45; 19]).collect();
        for len in 0..=bytes.len() {
            message::round_trip(&bytes[..len]);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_survive_as_a_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        message::round_trip(&bytes);
    }

    #[test]
    fn arbitrary_bytes_survive_as_a_conversation(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        conversation::hold(&bytes);
    }
}
