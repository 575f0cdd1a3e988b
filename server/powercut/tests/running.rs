//! A whole server on a disk that fills up, turns read-only, gets slow or fails: it says what is wrong, devices are told to
//! come again, and it works again by itself.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{net::SocketAddr, path::Path, time::Duration};

use powercut::{Call, Disk, Lasts};
use server::{
    Config, Server,
    backup::{self, Passphrase, Replace},
    config::{Addresses, CoapConfig},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout},
};
use zeroize::Zeroizing;

/// RFC 7252 §12.1.2.
const CREATED: u8 = 0x41;
const SERVICE_UNAVAILABLE: u8 = 0xa3;
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

/// A server on a disk, and a device that registers again and again.
struct World {
    server: Server,
    disk: Disk,
    socket: UdpSocket,
    message_id: u16,
    folder: tempfile::TempDir,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_to_be_full_until_there_is_room() {
    let mut world = World::new().await;
    world.disk.full(0);
    world.fails_and_says("the disk is full: make room").await;
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_is_said_to_be() {
    let mut world = World::new().await;
    world.disk.read_only();
    world.fails_and_says("the database is read-only").await;
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_said_to() {
    let mut world = World::new().await;
    world.disk.fail_at(1, Lasts::ForEver, Some(Call::Sync));
    world.fails_and_says("the disk fails").await;
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_makes_devices_wait_and_loses_nobody() {
    let mut world = World::new().await;
    world.disk.slow(Duration::from_millis(300));
    let begun = Instant::now();
    assert_eq!(world.registers().await, CREATED);
    assert!(begun.elapsed() >= Duration::from_millis(300), "the answer waits for the disk");
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_finds_no_room_leaves_nothing_and_the_server_goes_on() {
    let mut world = World::new().await;
    let (config, file) = (config(world.folder.path()), world.folder.path().join("b.muster"));
    let passphrase = Passphrase::new(Zeroizing::new("correct horse battery".to_owned())).unwrap();
    let before = names(&config.data_dir.0);
    world.disk.full(100_000);
    let error = backup::create(&config, &file, &passphrase, &()).await.unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert!(!file.exists());
    assert_eq!(names(&config.data_dir.0), before);
    world.recovers().await;
    backup::create(&config, &file, &passphrase, &()).await.unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let disk = Disk::under(elsewhere.path()).unwrap();
    let config = self::config(elsewhere.path());
    disk.full(0);
    let error = backup::restore(&config, &file, &passphrase, Replace::Never, &()).await.unwrap_err();
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(names(&config.data_dir.0), ["lock"]);
    disk.heal();
    backup::restore(&config, &file, &passphrase, Replace::Never, &()).await.unwrap();
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::under(folder.path()).unwrap();
        let server = Server::start(&config(folder.path())).await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server.addresses().coap[0]).await.unwrap();
        let mut world = Self { server, disk, socket, message_id: 0, folder };
        assert_eq!(world.registers().await, CREATED);
        assert!(world.get("/readyz").await.starts_with("HTTP/1.1 200"));
        world
    }

    /// The store takes nothing, and all who ask are told why.
    async fn fails_and_says(&mut self, words: &str) {
        assert_eq!(self.registers().await, SERVICE_UNAVAILABLE);
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let ready = self.get("/readyz").await;
            assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
            if ready.contains(words) {
                break;
            }
            assert!(Instant::now() < deadline, "{ready}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = self.get("/login").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains(words), "{page}");
        assert_eq!(self.registers().await, SERVICE_UNAVAILABLE, "it is not acknowledged later, either");
    }

    /// Nobody helps it.
    async fn recovers(&mut self) {
        self.disk.heal();
        let begun = Instant::now();
        while !self.get("/readyz").await.starts_with("HTTP/1.1 200") {
            assert!(begun.elapsed() < RECOVERS_WITHIN);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.registers().await, CREATED);
        assert!(!self.get("/login").await.contains("Nothing can be changed"));
        assert!(self.server.is_whole());
    }

    /// Sends a Register until it is answered: with which code.
    async fn registers(&mut self) -> u8 {
        self.message_id += 1;
        let [high, low] = self.message_id.to_be_bytes();
        let mut register = vec![0x42, 0x02, high, low, high, low];
        // Uri-Path: rd; Content-Format: 40.
        register.extend(b"\xb2rd\x11\x28");
        // Uri-Query, the first 3 after the Content-Format.
        register.extend(b"\x39ep=node-7\x06lt=300\x09lwm2m=1.1\x03b=U");
        register.extend(b"\xff</1/0>,</3/0>");
        let mut answer = [0; 1_500];
        for _ in 0..15 {
            self.socket.send(&register).await.unwrap();
            while let Ok(received) = timeout(Duration::from_secs(2), self.socket.recv(&mut answer)).await {
                let answer = &answer[..received.unwrap()];
                // With our token, and no request: the server asks things of the device, too.
                if answer[0] & 0x0f == 2 && answer[1] >= 0x40 && answer[4..6] == [high, low] {
                    return answer[1];
                }
            }
        }
        panic!("no answer");
    }

    async fn get(&self, path: &str) -> String {
        let console = self.server.welcome().console[0].strip_prefix("http://").unwrap().to_owned();
        let mut stream = TcpStream::connect(&console).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {console}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn config(folder: &Path) -> Config {
    let any = || Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    let mut config = Config::lab();
    config.data_dir.0 = folder.join("data");
    config.coap = CoapConfig { listen: any(), bootstrap_listen: Addresses::default(), ..config.coap };
    config.coaps.listen = Addresses::default();
    config.coaps.bootstrap_listen = Addresses::default();
    config.console.listen = any();
    config
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
