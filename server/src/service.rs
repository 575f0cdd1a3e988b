//! What the service manager is told, by systemd's notify protocol. Where there is none, nothing happens.

use std::{future, time::Duration};

use sd_notify::NotifyState;
use tracing::{error, warn};

/// Devices and people are served.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("devices and people are served")]);
}

/// It is ending in order.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("what is under way is being finished")]);
}

/// Says again and again that the server lives, as long as it does, if the service manager wants to hear it. Never ends.
///
/// One that does not live is restarted by the service manager after `WatchdogSec`.
pub async fn reassure(is_alive: impl Fn() -> bool) {
    let Some(within) = sd_notify::watchdog_enabled() else { return future::pending().await };
    let mut ticks = tokio::time::interval(half(within));
    let mut was_alive = true;
    loop {
        ticks.tick().await;
        let alive = is_alive();
        if alive {
            tell(&[NotifyState::Watchdog]);
        } else if was_alive {
            error!("a part of the server has ended; the service manager is left to restart it");
        }
        was_alive = alive;
    }
}

// Twice as often as asked, as sd_watchdog_enabled(3) advises.
fn half(within: Duration) -> Duration {
    (within / 2).max(Duration::from_millis(1))
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager could not be told");
    }
}
