//! Whatever comes to a live session without its keys changes nothing.

#![no_main]

#[path = "../../tests/fuzz/record.rs"]
mod record;
#[path = "../../tests/fuzz/script.rs"]
mod script;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "../../tests/pair/simulation.rs"]
mod simulation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| record::feed(bytes));
