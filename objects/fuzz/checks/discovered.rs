//! Discover answers: what is read survives being printed and read again.

use objects::link::Discovered;

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(found) = Discovered::parse(bytes) {
        let text = found.to_string();
        assert_eq!(Discovered::parse(text.as_bytes()).as_ref(), Ok(&found), "{text}");
    }
    let below = Discovered::parse_below(Some("/lwm2m"), bytes);
    assert_eq!(below.is_ok(), Discovered::parse(bytes).is_ok());
}
