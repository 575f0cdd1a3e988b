//! Panics, wherever they happen on this thread: a task's would else be lost with it.

use std::{cell::RefCell, panic};

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Takes note of panics from now on, instead of printing them.
pub(crate) fn watch() {
    panic::set_hook(Box::new(|info| LAST.set(Some(info.to_string()))));
}

/// The last panic of this thread since this was asked last.
pub(crate) fn take() -> Option<String> {
    LAST.take()
}
