//! Definition files: whatever the bytes, an answer within bounds.
#![no_main]

use objects::Registry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut registry = Registry::empty();
    match registry.load_ddf(bytes) {
        Ok(loaded) => {
            assert!(!loaded.is_empty());
            for (id, version) in loaded {
                assert_eq!(registry.object(id, version).map(|model| model.id), Some(id));
            }
        }
        Err(error) => {
            assert!(error.to_string().len() < 1000);
            assert_eq!(registry.iter().count(), 0);
        }
    }
});
