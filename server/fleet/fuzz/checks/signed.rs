//! Signed manifests: one that is read says the same when it is written anew.

use fleet::SignedManifest;

pub(crate) fn check(bytes: &[u8]) {
    match SignedManifest::parse(bytes) {
        Ok((signed, manifest)) => {
            assert_eq!(manifest.to_bytes(), signed.manifest);
            assert_eq!(SignedManifest::parse(&signed.to_bytes()), Ok((signed, manifest)));
        }
        Err(error) => assert!(error.to_string().len() < 8 * SignedManifest::MAX_BYTES, "{error}"),
    }
}
