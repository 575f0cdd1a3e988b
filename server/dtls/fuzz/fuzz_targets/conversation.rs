//! A conversation over any link leaves no handshake, and a client that begins anew gets in.

#![no_main]

#[path = "../../tests/fuzz/conversation.rs"]
mod conversation;
#[path = "../../tests/fuzz/script.rs"]
mod script;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "../../tests/pair/simulation.rs"]
mod simulation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conversation::hold(bytes));
