//! A simulated device over plain CoAP, played by a thread.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ::device::{Device, Output, Profile};
use objects::{Value, Version};

use crate::world::World;

pub(crate) struct Played {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Played {
    /// Plays a sensor that has these values, too, and waits until it is registered.
    pub(crate) fn start(world: &World, endpoint: &str, values: &[(&str, Value)]) -> Self {
        let mut device = Device::new(Profile::sensor(endpoint, Version::V1_1), 7);
        for (path, value) in values {
            device.set(Duration::ZERO, path.parse().unwrap(), value.clone()).unwrap();
        }
        let server = world.server().addresses().coap[0];
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || play(device, server, &seen));
        let played = Self { stop, thread: Some(thread) };
        world.wait_for(&["device", "list", "--prefix", endpoint], |list| list[0]["state"] == "registered");
        played
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn play(mut device: Device, server: SocketAddr, stop: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let origin = Instant::now();
    let mut buffer = vec![0; 65_536];
    device.start(origin.elapsed());
    while !stop.load(Ordering::Relaxed) {
        while let Some(output) = device.poll_output() {
            if let Output::Transmit { bytes } = output {
                socket.send(&bytes).unwrap();
            }
        }
        if let Ok(len) = socket.recv(&mut buffer) {
            device.handle_datagram(origin.elapsed(), &buffer[..len]);
        }
        if device.poll_timeout().is_some_and(|at| at <= origin.elapsed()) {
            device.handle_timeout(origin.elapsed());
        }
    }
}
