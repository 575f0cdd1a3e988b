//! The Rust crate dimpl: two ends in one process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dimpl::{Config, Dtls, DtlsCertificate, Output, PskResolver, crypto::Dtls12CipherSuite};
use interop_tests::{IDENTITY, KEY, Means, Pair};

use crate::{
    Kind,
    clock::{Stopwatch, least},
};

/// The processor time of the server in one handshake. It has no CCM with certificates.
pub(crate) fn handshake(kind: Kind, means: &Means) -> Option<Duration> {
    const EACH: u32 = 8;
    let ends = Ends::of(kind, means)?;
    Some(least(100, EACH, || (0..EACH).map(|_| ends.connect().0).sum()))
}

/// How both ends are made.
pub(crate) struct Ends {
    client: Arc<Config>,
    server: Arc<Config>,
    certificates: Option<[DtlsCertificate; 2]>,
}

impl Ends {
    pub(crate) fn of(kind: Kind, means: &Means) -> Option<Self> {
        let suite = match kind {
            Kind::Psk => Dtls12CipherSuite::PSK_AES128_CCM_8,
            Kind::Gcm => Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            Kind::Ccm8 => return None,
        };
        let [mut client, mut server] = [(); 2].map(|()| Config::builder().dtls12_cipher_suites(&[suite]));
        if kind == Kind::Psk {
            client = client.with_psk_client(IDENTITY.as_bytes().to_vec(), Arc::new(Key));
            server = server.with_psk_server(None, Arc::new(Key));
        }
        let certificate = |pair: &Pair| DtlsCertificate {
            certificate: pair.certificate.clone(),
            private_key: pair.key.clone(),
        };
        Some(Self {
            client: Arc::new(client.build().expect("the suite goes with the rest")),
            server: Arc::new(server.build().expect("the suite goes with the rest")),
            certificates: (kind != Kind::Psk).then(|| [&means.client, &means.server].map(certificate)),
        })
    }

    /// Both ends of a new session: how long the server's calls took.
    pub(crate) fn connect(&self) -> (Duration, [Dtls; 2]) {
        let (now, mut watch) = (Instant::now(), Stopwatch::default());
        let of = |config: &Arc<Config>, certificate: Option<&DtlsCertificate>| match certificate {
            None => Dtls::new_12_psk(config.clone(), now),
            Some(certificate) => Dtls::new_12(config.clone(), certificate.clone(), now),
        };
        let [own, others] = [0, 1].map(|side| self.certificates.as_ref().map(|both| &both[side]));
        let mut client = of(&self.client, own);
        client.set_active(true);
        client.handle_timeout(now).expect("it can begin");
        let mut server = watch.time(|| of(&self.server, others));
        watch.time(|| {
            server.set_active(false);
            server.handle_timeout(now).expect("it can begin");
        });
        let mut connected = [false; 2];
        for _ in 0..10 {
            let to_server = packets(&mut client, &mut connected[0]);
            let to_client = watch.time(|| {
                to_server.iter().for_each(|packet| server.handle_packet(packet).expect("it is well-formed"));
                packets(&mut server, &mut connected[1])
            });
            to_client.iter().for_each(|packet| client.handle_packet(packet).expect("it is well-formed"));
            if connected == [true; 2] {
                return (watch.0, [client, server]);
            }
        }
        panic!("the handshake came to nothing")
    }
}

fn packets(end: &mut Dtls, connected: &mut bool) -> Vec<Vec<u8>> {
    let (mut packets, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match end.poll_output(&mut buffer) {
            Output::Packet(packet) => packets.push(packet.to_vec()),
            Output::Connected => *connected = true,
            Output::Timeout(_) => return packets,
            _ => {}
        }
    }
}

struct Key;

impl PskResolver for Key {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(KEY.to_vec())
    }
}
