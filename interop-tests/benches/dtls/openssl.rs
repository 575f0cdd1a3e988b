//! OpenSSL's `s_server`, with clients of Muster's engine over loopback.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dtls::{Config, Endpoint, Event, Output};
use interop_tests::{KEY, Means};
use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

use crate::{
    Kind,
    clock::{least, processor_time},
    engine::connect,
};

/// The processor time of the process in one handshake. None where there is no `openssl`.
pub(crate) fn handshake(kind: Kind, means: &Means) -> Option<Duration> {
    const EACH: u32 = 8;
    let server = Server::start(kind, means)?;
    // The first one waits for the process to listen.
    server.open(kind, means);
    Some(least(25, EACH, || {
        let before = processor_time(&server.figures);
        (0..EACH).for_each(|_| server.open(kind, means));
        processor_time(&server.figures) - before
    }))
}

/// A process that is killed when this is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    /// Of all clients, for it hears nobody else once it has heard one.
    client: UdpSocket,
    figures: PathBuf,
}

impl Server {
    fn start(kind: Kind, means: &Means) -> Option<Self> {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-dtls1_2", "-listen", "-quiet", "-accept", &address.to_string()]);
        // Level 0 lets the suites with a tag of 8 bytes pass.
        let suite = match kind {
            Kind::Psk => "PSK-AES128-CCM8:@SECLEVEL=0",
            Kind::Ccm8 => "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0",
            Kind::Gcm => "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0",
        };
        command.args(["-cipher", suite, "-curves", "P-256"]);
        if kind == Kind::Psk {
            let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
            command.args(["-nocert", "-psk", &key]);
        } else {
            command
                .args(["-Verify", "1", "-verify_return_error", "-CAfile"])
                .arg(means.path("authority.pem"));
            command.arg("-cert").arg(means.path("server.pem")).arg("-key").arg(means.path("server-key.pem"));
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = match child {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            child => child.expect("it can be run"),
        };
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        client.set_read_timeout(Some(Duration::from_millis(50))).expect("it is not zero");
        let figures = Path::new("/proc").join(child.id().to_string());
        Some(Self { child, address, client, figures })
    }

    /// Opens a session and ends it.
    fn open(&self, kind: Kind, means: &Means) {
        let socket = &self.client;
        let (began, random) = (Instant::now(), SystemRandom::new());
        let mut endpoint = Endpoint::new(Config::default(), [7; 32]);
        endpoint.connect(began.elapsed(), self.address, connect(kind, means));
        let mut buffer = [0; 4_096];
        while began.elapsed() < Duration::from_secs(20) {
            let mut connected = None;
            while let Some(output) = endpoint.poll_output() {
                match output {
                    Output::Transmit { bytes, to } => drop(socket.send_to(&bytes, to)),
                    Output::Event(Event::Compute(job)) => {
                        let computed = job.run(&random, UnixTime::now());
                        endpoint.computed(began.elapsed(), computed);
                    }
                    Output::Event(Event::Connected { session, .. }) => connected = Some(session),
                    Output::Event(Event::Failed(failure)) => panic!("{failure:?}"),
                    Output::Event(_) => {}
                }
            }
            if let Some(session) = connected {
                endpoint.end(began.elapsed(), session);
                while let Some(output) = endpoint.poll_output() {
                    if let Output::Transmit { bytes, to } = output {
                        drop(socket.send_to(&bytes, to));
                    }
                }
                // It says so too, and listens again.
                drop(socket.recv(&mut buffer));
                return;
            }
            if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                endpoint.handle_datagram(began.elapsed(), from, &mut buffer[..len]);
            }
            endpoint.handle_timeout(began.elapsed());
        }
        panic!("there is no session with OpenSSL")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
