//! Whatever parses is the same message again after it was serialised.

#![no_main]

#[path = "../../tests/fuzz/message.rs"]
mod message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| message::round_trip(bytes));
