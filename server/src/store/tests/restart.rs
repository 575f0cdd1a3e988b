//! How long a start takes with many registered devices. Run by hand:
//! `cargo test --release -p server restart -- --ignored --nocapture`.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fleet::{Change, DeviceId, ListenerId, Observation, Registration, Source, Store as _};
use objects::link::ObjectLinks;
use tokio::{net::UdpSocket, time::timeout};

use super::fixture::{commit, device, happened, observation, open, registration};
use crate::{
    Config, Server,
    config::{Addresses, CoapConfig},
};

const DEVICES: i64 = 100_000;
const COMMIT: i64 = 500;

/// Served is who is back: the first device. All are back when the last one is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while, and says how long"]
async fn a_restart_with_many_devices_serves_within_a_second_and_has_all_back_within_five() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path()).await;
    let first = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let last = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    std::fs::create_dir(&config.data_dir.0).unwrap();
    let store = open(config.database()).await;
    let links = Arc::new(
        ObjectLinks::parse(b"</>;rt=\"oma.lwm2m\";ct=11543,</1/0>,</3/0>,</4/0>,</5/0>,</3303/0>,</3304/0>")
            .unwrap(),
    );
    for from in (1..=DEVICES).step_by(COMMIT as usize) {
        let changes = (from..from + COMMIT).flat_map(|number| {
            let address = match number {
                1 => first.local_addr().unwrap(),
                DEVICES => last.local_addr().unwrap(),
                _ => SocketAddr::from(([10, (number >> 16) as u8, (number >> 8) as u8, number as u8], 5683)),
            };
            let source = Source { listener: ListenerId(0), address };
            let registration = Registration { source, links: Arc::clone(&links), ..registration(number) };
            let observed = Observation { device: DeviceId(number), ..observation(number, "/3303/0/5700") };
            [
                Change::DeviceAdded(device(number, &format!("urn:imei:{number:015}"))),
                Change::Registered(Box::new(registration)),
                Change::ObservationBegan(observed),
                Change::Timeline(happened(number, "registered")),
            ]
        });
        store.commit(commit(changes)).await.unwrap();
    }
    store.close().await;

    let started = Instant::now();
    let to = config.coap.listen.0[0];
    let (server, served, back) =
        tokio::join!(Server::start(&config), answered(&first, to, 1), answered(&last, to, DEVICES));
    let [served, back] = [served, back].map(|at| at.duration_since(started));
    println!("{DEVICES} registered devices: served after {served:.2?}, all back after {back:.2?}");
    assert!(served < Duration::from_secs(1) && back < Duration::from_secs(5));
    server.unwrap().stop().await;
}

async fn config(folder: &std::path::Path) -> Config {
    let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut config = Config::lab();
    config.data_dir.0 = folder.join("data");
    config.coap =
        CoapConfig { listen: Addresses(vec![free]), bootstrap_listen: Addresses::default(), ..config.coap };
    config.coaps.listen = Addresses::default();
    config.coaps.bootstrap_listen = Addresses::default();
    config.console.listen = Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    config
}

/// When an Update of a device was answered with 2.04; it is sent again and again, each time as a new message.
async fn answered(socket: &UdpSocket, to: SocketAddr, number: i64) -> Instant {
    let location = registration(number).id.to_string();
    for message in 1_u16.. {
        let [high, low] = message.to_be_bytes();
        let update = [&[0x40, 0x02, high, low], &b"\xb2rd\x0d\x03"[..], location.as_bytes()].concat();
        // Nobody may listen there yet.
        drop(socket.send_to(&update, to).await);
        let mut answer = [0; 128];
        let received = timeout(Duration::from_millis(10), socket.recv(&mut answer)).await;
        if let Ok(Ok(_)) = received
            && answer[1] == 0x44
        {
            return Instant::now();
        }
        if received.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    unreachable!("it was answered")
}
