//! The battery: what every implementation of [`Store`] is held to, one case a behaviour.
//!
//! Each case is handed a store without content. [`store_battery!`](crate::store_battery) makes a `#[test]` of each:
//!
//! ```ignore
//! fn run(case: fleet::store::battery::Case) {
//!     futures::executor::block_on(case(&MemoryStore::new()));
//! }
//! fleet::store_battery!(run);
//! ```

#![expect(clippy::unwrap_used, reason = "a battery is a test that other packages run")]

use futures::future::BoxFuture;

use crate::Store;

/// One case, to be run on a new store.
pub type Case = for<'a> fn(&'a dyn Store) -> BoxFuture<'a, ()>;

/// Makes a test of each case of the [battery](crate::store::battery). `$run` is a function that takes a
/// [`Case`](crate::store::battery::Case) and runs it on a new store.
#[macro_export]
macro_rules! store_battery {
    ($run:path) => {
        $crate::store_battery!(@tests $run:
            boots_are_counted,
        );
    };
    (@tests $run:path: $($case:ident),* $(,)?) => {$(
        #[test]
        fn $case() {
            $run(|store| Box::pin($crate::store::battery::$case(store)));
        }
    )*};
}

/// Each start has a number of its own.
pub async fn boots_are_counted(store: &dyn Store) {
    assert_eq!(store.begin_boot().await.unwrap(), 1);
    assert_eq!(store.begin_boot().await.unwrap(), 2);
}
