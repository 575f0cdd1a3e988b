//! Definition files: whatever the bytes, what they say or a short error, and nothing half done.

use objects::Registry;

pub(crate) fn check(bytes: &[u8]) {
    let mut registry = Registry::empty();
    match registry.load_ddf(bytes) {
        Ok(loaded) => {
            assert!(!loaded.is_empty());
            for (id, version) in loaded {
                let model = registry.object(id, version).expect("it was said to be loaded");
                assert_eq!((model.id, model.version), (id, version));
                assert!(model.resources.iter().all(|(id, resource)| *id == resource.id));
            }
        }
        Err(error) => {
            assert!(error.to_string().len() < 2000, "{error}");
            assert_eq!(registry.iter().count(), 0);
        }
    }
}
