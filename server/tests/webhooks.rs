//! Webhooks end to end: a device registers over UDP, and somebody who listens is told, once it has said yes.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use device::{Device, Output, Profile};
use fleet::{Actor, Context, RequestId, Timestamp, Webhook};
use hmac::{Hmac, KeyInit as _, Mac as _};
use objects::Version;
use server::{
    Config, Server,
    config::{Addresses, CoapConfig},
};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    time::{Instant, timeout},
};

/// A request as it came.
#[derive(Clone, Debug)]
struct Delivery {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Somebody who listens, and answers one after the other with these.
struct Sink {
    address: SocketAddr,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_told_signed_and_again_until_it_is_taken() {
    let elsewhere = Sink::start(vec![]).await;
    let away = format!(
        "HTTP/1.1 307 Elsewhere\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let taken = "HTTP/1.1 204 No Content\r\n\r\n".to_owned();
    let sink = Sink::start(vec![away, taken.clone(), taken]).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&config(folder.path())).await.unwrap();
    let kinds = vec!["registered".to_owned(), "deregistered".to_owned()];
    let url = format!("http://{}/hook?of=mine", sink.address);
    let (webhook, secret) = server.fleet().add_webhook(&context(), &url, kinds).await.unwrap();
    assert!(secret.starts_with("whsec_"));

    let (mut device, socket) = registered(server.addresses().coap[0]).await;
    let first = sink.until(1).await[0].clone();
    let failed = until(&server, |webhook| webhook.failures == 1).await;
    assert!(failed.last_error.contains("307"), "{}", failed.last_error);
    assert!(failed.retry_at.is_some());
    assert!(elsewhere.deliveries.lock().unwrap().is_empty(), "where it was not sent it does not go");

    let again = sink.until(2).await[1].clone();
    assert_eq!(first.headers["webhook-id"], again.headers["webhook-id"]);
    assert_eq!(first.body, again.body);
    let told: serde_json::Value = serde_json::from_slice(&again.body).unwrap();
    assert_eq!((told["kind"].as_str(), told["endpoint"].as_str()), (Some("registered"), Some("node-7")));
    assert_signed(&again, &secret);

    // What comes next comes next.
    device.stop(Duration::from_secs(1));
    while let Some(output) = device.poll_output() {
        if let Output::Transmit { bytes } = output {
            socket.send(&bytes).await.unwrap();
        }
    }
    let next = sink.until(3).await[2].clone();
    let told: serde_json::Value = serde_json::from_slice(&next.body).unwrap();
    assert_eq!(told["kind"], "deregistered");
    let done = until(&server, |webhook| webhook.failures == 0 && webhook.last_success_at.is_some()).await;
    assert_eq!((done.public_id, done.given_up), (webhook.public_id, 0));
    server.stop().await;
}

fn config(folder: &std::path::Path) -> Config {
    let any = || Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    let mut config = Config::lab();
    config.data_dir.0 = folder.join("data");
    config.coap = CoapConfig { listen: any(), bootstrap_listen: Addresses::default(), ..config.coap };
    config.coaps.listen = Addresses::default();
    config.coaps.bootstrap_listen = Addresses::default();
    config.console.listen = any();
    config
}

fn context() -> Context {
    let request = RequestId::from_random([1; 16]);
    Context { actor: Actor::Server("test"), now: Timestamp(1_800_000_000_000), request }
}

async fn registered(server: SocketAddr) -> (Device, UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server).await.unwrap();
    let mut device = Device::new(Profile::sensor("node-7", Version::V1_1), 1);
    let mut buffer = vec![0; 2_048];
    device.start(Duration::ZERO);
    while !device.is_registered() {
        while let Some(output) = device.poll_output() {
            if let Output::Transmit { bytes } = output {
                socket.send(&bytes).await.unwrap();
            }
        }
        let len = timeout(Duration::from_secs(30), socket.recv(&mut buffer)).await.unwrap().unwrap();
        device.handle_datagram(Duration::ZERO, &buffer[..len]);
    }
    (device, socket)
}

async fn until(server: &Server, is: impl Fn(&Webhook) -> bool) -> Webhook {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let webhooks = server.fleet().webhooks(&context()).await.unwrap();
        if let Some(webhook) = webhooks.into_iter().find(|webhook| is(webhook)) {
            return webhook;
        }
        assert!(Instant::now() < deadline, "the webhook is not as it should be");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn assert_signed(delivery: &Delivery, secret: &str) {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(
        format!("{}.{}.", delivery.headers["webhook-id"], delivery.headers["webhook-timestamp"]).as_bytes(),
    );
    mac.update(&delivery.body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(delivery.headers["webhook-signature"], signature);
    assert_eq!(delivery.headers["content-type"], "application/json");
}

impl Sink {
    async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let deliveries: Arc<Mutex<Vec<Delivery>>> = Arc::default();
        let seen = Arc::clone(&deliveries);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(delivery) = read(&mut stream).await else { continue };
                seen.lock().unwrap().push(delivery);
                let answer = answers
                    .next()
                    .unwrap_or_else(|| "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned());
                let answer = answer.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, deliveries }
    }

    async fn until(&self, count: usize) -> Vec<Delivery> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let deliveries = self.deliveries.lock().unwrap().clone();
            if deliveries.len() >= count {
                return deliveries;
            }
            assert!(Instant::now() < deadline, "{} of {count} deliveries came", deliveries.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Delivery> {
    let mut bytes = Vec::new();
    let head = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = text.lines().filter_map(header).collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Delivery { headers, body: bytes[head..].to_vec() })
}
