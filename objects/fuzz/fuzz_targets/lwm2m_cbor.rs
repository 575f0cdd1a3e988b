#![no_main]

#[path = "../checks/codec.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(objects::ContentFormat::LWM2M_CBOR, bytes));
