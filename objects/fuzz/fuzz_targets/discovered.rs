//! Discover answers: what is read survives being printed and read again.
#![no_main]

use objects::link::Discovered;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = Discovered::parse(bytes) {
        let text = found.to_string();
        assert_eq!(Discovered::parse(text.as_bytes()).as_ref(), Ok(&found), "{text}");
    }
    let _ = Discovered::parse_below(Some("/lwm2m"), bytes);
});
