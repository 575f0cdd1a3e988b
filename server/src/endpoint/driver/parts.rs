//! The parts in which a start reads the fleet back.

use std::{sync::Arc, time::Duration};

use fleet::{DeviceId, Restored, Store, StoreError};
use futures::{FutureExt, future::BoxFuture};
use tracing::warn;

/// Gives one part after the other.
pub(super) struct Parts {
    store: Arc<dyn Store>,
    reading: Option<BoxFuture<'static, Result<Restored, StoreError>>>,
    after: Option<DeviceId>,
    is_done: bool,
}

/// How long to wait before a part is read again that could not be read.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Parts {
    pub(super) fn of(store: Arc<dyn Store>) -> Self {
        let mut parts = Self { store, reading: None, after: None, is_done: false };
        parts.read(Duration::ZERO);
        parts
    }

    /// The next part; none, once, behind the last one. Ends no more after that. May be dropped and asked again.
    pub(super) async fn next(&mut self) -> Option<Restored> {
        loop {
            let Some(reading) = &mut self.reading else {
                if std::mem::replace(&mut self.is_done, true) {
                    std::future::pending::<()>().await;
                }
                return None;
            };
            match reading.await {
                Ok(part) => {
                    self.reading = None;
                    self.after = part.more_after;
                    if self.after.is_some() {
                        self.read(Duration::ZERO);
                    }
                    return Some(part);
                }
                Err(error) => {
                    warn!(%error, "the fleet could not be read back and is tried again");
                    self.read(TRY_AGAIN);
                }
            }
        }
    }

    fn read(&mut self, delay: Duration) {
        let (store, after) = (Arc::clone(&self.store), self.after);
        let reading = async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            store.restore_part(after, Restored::PART).await
        };
        self.reading = Some(reading.boxed());
    }
}
