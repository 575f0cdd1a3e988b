//! The way of a simulated device to where it fetches its firmware, beside that to its server. By CoAP: it has no HTTP client.

use std::time::Duration;

use ::device::{Device, Fetch};

use super::way::{News, Stack, Way};

/// A way, and the device that goes it.
pub struct Depot {
    way: Way,
    buffer: Vec<u8>,
}

impl Default for Depot {
    fn default() -> Self {
        Self { way: Way::Closed, buffer: Vec::new() }
    }
}

impl Depot {
    /// Does what a device needs for fetching its firmware.
    pub async fn follow(&mut self, now: Duration, fetch: Fetch, stack: Stack, device: &mut Device) {
        match fetch {
            Fetch::Connect { to } => {
                self.buffer.resize(LARGEST_DATAGRAM, 0);
                self.way = Way::to(&to, stack);
            }
            Fetch::Transmit { bytes } => self.way.send(&bytes).await,
            Fetch::Get { .. } => device.fetch_failed(now, true),
            Fetch::End => *self = Self::default(),
        }
    }

    /// Waits for news; for ever where nothing is fetched.
    pub async fn next(&mut self) -> News {
        self.way.next(&mut self.buffer).await
    }

    /// Hands the news to the device.
    pub fn tell(&self, now: Duration, news: News, device: &mut Device) {
        match news {
            News::Opened => device.fetch_connected(now),
            News::Datagram(len) => device.handle_fetch_datagram(now, &self.buffer[..len]),
            News::Failed(_) => device.fetch_failed(now, true),
        }
    }
}

const LARGEST_DATAGRAM: usize = 2_048;
