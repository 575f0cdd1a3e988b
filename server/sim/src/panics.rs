//! Panics, wherever they happen on this thread: a task's would else be lost with it.

use std::{
    cell::{Cell, RefCell},
    panic,
    sync::Once,
};

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// While this is there, the panics of its thread are noted.
pub(crate) struct Watch(());

/// Takes note of panics from now on, instead of printing them.
pub(crate) fn watch() -> Watch {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match WATCHED.get() {
            true => LAST.set(Some(info.to_string())),
            false => usual(info),
        }));
    });
    WATCHED.set(true);
    Watch(())
}

/// The last panic of this thread since this was asked last.
pub(crate) fn take() -> Option<String> {
    LAST.take()
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.set(false);
    }
}
