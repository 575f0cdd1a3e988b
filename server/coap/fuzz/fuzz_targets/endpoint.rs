//! A conversation of datagrams, timeouts and verbs leaves an endpoint sound, and empty in the end.

#![no_main]

#[path = "../../tests/fuzz/conversation.rs"]
mod conversation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conversation::hold(bytes));
