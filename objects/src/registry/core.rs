//! The definitions this package ships: our own files in `models/`, embedded.

use std::sync::LazyLock;

use super::Registry;

pub(super) fn registry() -> &'static Registry {
    static CORE: LazyLock<Registry> = LazyLock::new(Registry::empty);
    &CORE
}
