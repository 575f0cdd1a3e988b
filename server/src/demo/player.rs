//! Plays one simulated device: gives it time, a way to its server, and a life.

use std::time::Duration;

use ::device::{Device, Event, Life, Output};
use objects::Path;
use tokio::time::Instant;
use tracing::debug;

use super::{
    depot::Depot,
    way::{News, Stack, Way},
};

/// One device with all that it needs.
pub struct Player {
    device: Device,
    life: Life,
    way: Way,
    depot: Depot,
    stack: Stack,
    origin: Instant,
    /// How often it sends by itself, if it does, and when next.
    sends: Option<(Duration, Duration)>,
    told: Box<dyn FnMut(&Event) + Send>,
}

impl Player {
    /// A device in its life, that sends as often by itself, if it does.
    pub fn new(device: Device, life: Life, sends: Option<Duration>) -> Self {
        let sends = sends.map(|period| (period, Duration::ZERO));
        Self {
            device,
            life,
            way: Way::Closed,
            depot: Depot::default(),
            stack: Stack::default(),
            origin: Instant::now(),
            sends,
            told: Box::new(|_| {}),
        }
    }

    /// Speaks DTLS by this.
    pub fn by(self, stack: Stack) -> Self {
        Self { stack, ..self }
    }

    /// Tells what happens to the device.
    pub fn telling(self, told: impl FnMut(&Event) + Send + 'static) -> Self {
        Self { told: Box::new(told), ..self }
    }

    /// Plays until the task is ended.
    pub async fn run(mut self) {
        let mut buffer = vec![0; 65_536];
        self.device.start(self.origin.elapsed());
        loop {
            self.drain().await;
            let sends_at = self.sends.map(|(_, at)| at).filter(|_| self.device.is_registered());
            let wake = [Some(self.life.poll_timeout()), self.device.poll_timeout(), sends_at];
            let wake = wake.into_iter().flatten().min().unwrap_or_default();
            tokio::select! {
                news = self.way.next(&mut buffer) => self.take(news, &buffer),
                news = self.depot.next() => self.depot.tell(self.origin.elapsed(), news, &mut self.device),
                () = tokio::time::sleep_until(self.origin + wake) => self.pass_time(),
            }
        }
    }

    fn take(&mut self, news: News, buffer: &[u8]) {
        let now = self.origin.elapsed();
        match news {
            News::Opened => self.device.connected(now),
            News::Datagram(len) => self.device.handle_datagram(now, &buffer[..len]),
            News::Failed(error) => {
                debug!(device.endpoint = self.device.profile().endpoint, %error, "no way to the server");
                self.device.connection_failed(now);
            }
        }
    }

    fn pass_time(&mut self) {
        let now = self.origin.elapsed();
        self.device.handle_timeout(now);
        self.life.tick(now, &mut self.device);
        if let Some((period, at)) = &mut self.sends
            && *at <= now
            && self.device.is_registered()
        {
            *at = now + *period;
            // One that can't be sent now is not sent.
            drop(self.device.send(now, &[TEMPERATURE, BATTERY]));
        }
    }

    async fn drain(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Transmit { bytes } => self.way.send(&bytes).await,
                Output::Connect { to } => self.way = Way::to(&to, self.stack),
                Output::Fetch(fetch) => {
                    let now = self.origin.elapsed();
                    self.depot.follow(now, fetch, self.stack, &mut self.device).await;
                }
                Output::Event(event) => self.follow(&event),
            }
        }
    }

    fn follow(&mut self, event: &Event) {
        self.life.follow(self.origin.elapsed(), event, &mut self.device);
        (self.told)(event);
        debug!(device.endpoint = self.device.profile().endpoint, ?event, "simulated device");
    }
}

const TEMPERATURE: Path =
    Path::Resource(objects::ObjectId(3303), objects::InstanceId(0), objects::ResourceId(5700));
const BATTERY: Path = Path::Resource(objects::ObjectId(3), objects::InstanceId(0), objects::ResourceId(9));
