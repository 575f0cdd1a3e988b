//! Manifests: whatever the bytes, one that is read has just these as its writing, or a short error.

use fleet::Manifest;

pub(crate) fn check(bytes: &[u8]) {
    match Manifest::parse(bytes) {
        Ok(manifest) => {
            assert_eq!(manifest.to_bytes(), bytes, "one manifest has one writing");
            assert_eq!(manifest.check(), Ok(()));
        }
        Err(error) => assert!(error.to_string().len() < 8 * Manifest::MAX_BYTES, "{error}"),
    }
}
