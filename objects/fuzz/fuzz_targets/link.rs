//! Register payloads: what is read survives being printed and read again.
#![no_main]

use objects::link::ObjectLinks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(links) = ObjectLinks::parse(bytes) {
        let text = links.to_string();
        assert_eq!(ObjectLinks::parse(text.as_bytes()).as_ref(), Ok(&links), "{text}");
    }
});
