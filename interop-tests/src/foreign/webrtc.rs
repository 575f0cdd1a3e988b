//! The Rust crate webrtc-dtls as a client.

use std::sync::Arc;

use dtls::Suite;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rustls_pki_types::CertificateDer;
use tokio::net::UdpSocket;
use webrtc_dtls::{
    cipher_suite::CipherSuiteId,
    config::Config,
    conn::DTLSConn,
    crypto::{Certificate, CryptoPrivateKey, CryptoPrivateKeyKind},
};

use super::{Feature, IDENTITY, NotDone, Proof, Task};
use crate::Pair;

pub(super) fn talk(task: &Task<'_>) -> Result<(), NotDone> {
    if !matches!(
        task.feature(),
        Feature::Plain | Feature::SmallDatagrams | Feature::Restart | Feature::Stranger
    ) {
        return Err(NotDone::NoWay);
    }
    let config = config(task)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let talk = async { tokio::time::timeout(Task::WITHIN, greet(task, config)).await };
    let greeted = runtime.block_on(talk);
    greeted.unwrap_or_else(|_| Err("in vain".to_owned())).map_err(NotDone::Failed)
}

async fn greet(task: &Task<'_>, config: Config) -> Result<(), String> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    socket.connect(task.host.address()).await.map_err(|error| error.to_string())?;
    let session = DTLSConn::new(Arc::new(socket), config, true, None).await;
    let session = session.map_err(|error| error.to_string())?;
    say(&session).await?;
    if task.feature() == Feature::Restart {
        task.host.restart();
        say(&session).await?;
    }
    Ok(())
}

async fn say(session: &DTLSConn) -> Result<(), String> {
    session.write(Task::TEXT.as_bytes(), None).await.map_err(|error| error.to_string())?;
    let mut buffer = vec![0; 2_048];
    let len = session.read(&mut buffer, None).await.map_err(|error| error.to_string())?;
    let heard = String::from_utf8_lossy(&buffer[..len]).into_owned();
    if heard == Task::TEXT { Ok(()) } else { Err(format!("heard {heard:?}")) }
}

fn config(task: &Task<'_>) -> Result<Config, NotDone> {
    let mut config =
        Config { cipher_suites: vec![suite(task.cell.suite).ok_or(NotDone::NoWay)?], ..Config::default() };
    if task.feature() == Feature::SmallDatagrams {
        // It counts without the headers of record and message.
        config.mtu = Task::SMALL_MTU - 25;
    }
    match task.cell.proof {
        Proof::Psk => {
            let key = task.key();
            config.psk = Some(Arc::new(move |_| Ok(key.clone())));
            // What it calls a hint is the identity where it is the client.
            config.psk_identity_hint = Some(IDENTITY.as_bytes().to_vec());
        }
        Proof::Certificate => {
            config.certificates = vec![own(task.means.pair(task.own()))];
            let authority = CertificateDer::from(task.means.authority.certificate.clone());
            config.roots_cas.add(authority).map_err(|error| NotDone::Failed(error.to_string()))?;
            config.server_name = "localhost".to_owned();
        }
        Proof::RawPublicKey => return Err(NotDone::NoWay),
    }
    Ok(config)
}

fn own(pair: &Pair) -> Certificate {
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.key, &SystemRandom::new());
    let kind = CryptoPrivateKeyKind::Ecdsa256(key.expect("it is a key of P-256"));
    let private_key = CryptoPrivateKey { kind, serialized_der: pair.key.clone() };
    Certificate { certificate: vec![CertificateDer::from(pair.certificate.clone())], private_key }
}

fn suite(suite: Suite) -> Option<CipherSuiteId> {
    match suite {
        Suite::PskAes128Ccm8 => Some(CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8),
        Suite::PskAes128Ccm => Some(CipherSuiteId::Tls_Psk_With_Aes_128_Ccm),
        Suite::PskAes128GcmSha256 => Some(CipherSuiteId::Tls_Psk_With_Aes_128_Gcm_Sha256),
        Suite::EcdheEcdsaAes128Ccm8 => Some(CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Ccm_8),
        Suite::EcdheEcdsaAes128Ccm => Some(CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Ccm),
        Suite::EcdheEcdsaAes128GcmSha256 => Some(CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256),
        Suite::PskAes128CbcSha256
        | Suite::EcdhePskAes128GcmSha256
        | Suite::EcdhePskAes128Ccm8Sha256
        | Suite::EcdhePskAes128CbcSha256
        | Suite::EcdheEcdsaAes128CbcSha256 => None,
    }
}
