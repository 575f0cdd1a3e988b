//! The fuzz targets as ordinary tests: over their corpora, and over bytes that a seed makes up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "fuzz/conversation.rs"]
mod conversation;
#[path = "fuzz/message.rs"]
mod message;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/pki.rs"]
mod pki;
#[path = "fuzz/record.rs"]
mod record;
#[path = "fuzz/script.rs"]
mod script;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/simulation.rs"]
mod simulation;

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
fn the_corpus_of_records_changes_no_session() {
    corpus("record").iter().for_each(|bytes| record::feed(bytes));
}

#[test]
fn the_corpus_of_messages_leaves_nothing() {
    corpus("message").iter().for_each(|bytes| message::play(bytes));
}

#[test]
fn the_corpus_of_conversations_survives() {
    corpus("conversation").iter().for_each(|bytes| conversation::hold(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_change_no_session(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        record::feed(&bytes);
    }

    #[test]
    fn arbitrary_bytes_as_messages_leave_nothing(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        message::play(&bytes);
    }

    #[test]
    fn arbitrary_bytes_survive_as_a_conversation(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        conversation::hold(&bytes);
    }
}
