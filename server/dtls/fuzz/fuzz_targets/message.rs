//! Handshake messages of any kind leave nothing behind, and the next peer gets in.

#![no_main]

#[path = "../../tests/fuzz/message.rs"]
mod message;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "../../tests/pair/pki.rs"]
mod pki;
#[path = "../../tests/fuzz/script.rs"]
mod script;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "../../tests/pair/simulation.rs"]
mod simulation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| message::play(bytes));
