//! SUIT envelopes: whatever the bytes, parts that lie within them, one after the other, or a short error.

use fleet::suit::{Authentication, Part, SuitManifest, Walk};

pub(crate) fn check(bytes: &[u8]) {
    let size = bytes.len() as u64;
    let mut walk = Walk::new(size);
    let mut steps = 0;
    while let Some(wanted) = walk.wants() {
        steps += 1;
        assert!(steps < 64, "it comes to an end");
        assert!(wanted.at + wanted.len <= size);
        if walk.next(slice(bytes, wanted)).is_err() {
            return inner(bytes);
        }
    }
    let Ok(outline) = walk.end() else { return inner(bytes) };
    let mut parts = vec![outline.authentication, outline.manifest];
    parts.extend(outline.payloads.iter().map(|(_, part)| *part));
    parts.sort_by_key(|part| part.at);
    assert!(parts.windows(2).all(|two| two[0].at + two[0].len < two[1].at), "they do not overlap");
    assert!(parts.last().is_none_or(|last| last.at + last.len <= size));
    inner(slice(bytes, outline.authentication));
    inner(slice(bytes, outline.manifest));
}

/// The same bytes as what lies in an envelope, which is reached seldom from without.
fn inner(bytes: &[u8]) {
    match Authentication::parse(bytes) {
        Ok(authentication) => {
            assert!(authentication.signer(&[]).is_none());
            assert!(!authentication.is_of(b"another manifest"));
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
    }
    if let Err(error) = SuitManifest::parse(bytes) {
        assert!(error.to_string().len() < 1_000, "{error}");
    }
}

fn slice(bytes: &[u8], part: Part) -> &[u8] {
    &bytes[part.at as usize..(part.at + part.len) as usize]
}
