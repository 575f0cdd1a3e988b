//! Register payloads: what is read survives being printed and read again.

use objects::link::ObjectLinks;

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(links) = ObjectLinks::parse(bytes) {
        let text = links.to_string();
        assert_eq!(ObjectLinks::parse(text.as_bytes()).as_ref(), Ok(&links), "{text}");
    }
}
