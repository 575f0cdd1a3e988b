//! The Rust crate dimpl as a client. It has no socket: this gives it one.

use std::{
    net::UdpSocket,
    sync::Arc,
    time::{Duration, Instant},
};

use dimpl::{Config, Dtls, DtlsCertificate, Output, PskResolver, crypto::Dtls12CipherSuite};
use dtls::Suite;

use super::{Feature, IDENTITY, NotDone, Proof, Task};
use crate::Deadline;

pub(super) fn talk(task: &Task<'_>) -> Result<(), NotDone> {
    if !matches!(
        task.feature(),
        Feature::Plain | Feature::SmallDatagrams | Feature::Restart | Feature::Stranger
    ) {
        return Err(NotDone::NoWay);
    }
    let mut client = client(task)?;
    client.set_active(true);
    greet(task, &mut client).map_err(NotDone::Failed)
}

fn greet(task: &Task<'_>, client: &mut Dtls) -> Result<(), String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    socket.connect(task.host.address()).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(Duration::from_millis(10))).map_err(|error| error.to_string())?;
    let failed = |error: dimpl::Error| error.to_string();
    let deadline = Deadline::after(Task::WITHIN);
    let (mut out, mut buffer) = (vec![0; 4_096], vec![0; 4_096]);
    client.handle_timeout(Instant::now()).map_err(failed)?;
    let mut answers = if task.feature() == Feature::Restart { 2 } else { 1 };
    while !deadline.has_passed() {
        let mut has_to_say = false;
        let timeout = loop {
            match client.poll_output(&mut out) {
                Output::Packet(packet) => drop(socket.send(packet)),
                Output::Connected => has_to_say = true,
                Output::ApplicationData(data) if data == Task::TEXT.as_bytes() => {
                    answers -= 1;
                    if answers == 0 {
                        return Ok(());
                    }
                    task.host.restart();
                    has_to_say = true;
                }
                Output::CloseNotify => return Err("the server has closed the session".to_owned()),
                Output::Timeout(at) => break at,
                _ => {}
            }
        };
        if has_to_say {
            client.send_application_data(Task::TEXT.as_bytes()).map_err(failed)?;
        } else if let Ok(len) = socket.recv(&mut buffer) {
            client.handle_packet(&buffer[..len]).map_err(failed)?;
        } else if timeout <= Instant::now() {
            client.handle_timeout(Instant::now()).map_err(failed)?;
        }
    }
    Err("in vain".to_owned())
}

fn client(task: &Task<'_>) -> Result<Dtls, NotDone> {
    let suite = match task.cell.suite {
        Suite::PskAes128Ccm8 => Dtls12CipherSuite::PSK_AES128_CCM_8,
        Suite::EcdheEcdsaAes128GcmSha256 => Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
        _ => return Err(NotDone::NoWay),
    };
    let mut config = Config::builder().dtls12_cipher_suites(&[suite]);
    if task.feature() == Feature::SmallDatagrams {
        config = config.mtu(Task::SMALL_MTU);
    }
    if task.is_psk() {
        config = config.with_psk_client(IDENTITY.as_bytes().to_vec(), Arc::new(Key(task.key())));
    }
    let config = config.build().map_err(|error| NotDone::Failed(error.to_string()))?;
    let config = Arc::new(config);
    match task.cell.proof {
        Proof::Psk => Ok(Dtls::new_12_psk(config, Instant::now())),
        Proof::Certificate => {
            let own = task.means.pair(task.own());
            let own = DtlsCertificate { certificate: own.certificate.clone(), private_key: own.key.clone() };
            Ok(Dtls::new_12(config, own, Instant::now()))
        }
        Proof::RawPublicKey => Err(NotDone::NoWay),
    }
}

struct Key(Vec<u8>);

impl PskResolver for Key {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }
}
