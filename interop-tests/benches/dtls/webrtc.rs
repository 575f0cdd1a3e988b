//! The Rust crate webrtc-dtls: the server's tasks are a thread's, and its clients another's.

use std::{
    any::Any,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use interop_tests::{IDENTITY, KEY, Means, Pair};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rustls_pki_types::CertificateDer;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Mutex, mpsc as channel},
};
use webrtc_dtls::{
    cipher_suite::CipherSuiteId,
    config::{ClientAuthType, Config},
    conn::DTLSConn,
    crypto::{Certificate, CryptoPrivateKey, CryptoPrivateKeyKind},
};
use webrtc_util::Conn;

use crate::{
    Kind,
    clock::{least, processor_time},
};

/// The processor time of the server in one handshake.
pub(crate) fn handshake(kind: Kind, means: &Means) -> Duration {
    const EACH: u32 = 8;
    let (thread, done, ends) = serve(server_config(kind, means));
    let client = client_config(kind, means);
    let runtime = runtime();
    least(40, EACH, || {
        let before = processor_time(&thread);
        for _ in 0..EACH {
            let (own, other) = link();
            ends.send(other).expect("the server waits for more");
            let session = runtime.block_on(DTLSConn::new(own, client.clone(), true, None));
            done.recv().expect("the server takes a client at a time");
            drop(session.expect("the handshake comes to its end"));
        }
        processor_time(&thread) - before
    })
}

/// Takes the ends of links: where the thread's figures are, and word of each handshake that is done.
fn serve(config: Config) -> (PathBuf, mpsc::Receiver<()>, channel::UnboundedSender<Arc<Link>>) {
    let (say, said) = mpsc::channel();
    let (done_in, done) = mpsc::channel();
    let (ends_in, mut ends) = channel::unbounded_channel();
    std::thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").expect("it is a thread");
        say.send(PathBuf::from("/proc").join(thread)).expect("it is waited for");
        runtime().block_on(async move {
            while let Some(end) = ends.recv().await {
                let end: Arc<Link> = end;
                let session = DTLSConn::new(end, config.clone(), false, None).await;
                drop(session.expect("the handshake comes to its end"));
                // Whoever waited has gone.
                let Ok(()) = done_in.send(()) else { return };
            }
        });
    });
    (said.recv().expect("it says so at once"), done, ends_in)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

fn server_config(kind: Kind, means: &Means) -> Config {
    let mut config = config(kind);
    if kind != Kind::Psk {
        config.certificates = vec![certificate(&means.server)];
        config.client_auth = ClientAuthType::RequireAndVerifyClientCert;
        let authority = CertificateDer::from(means.authority.certificate.clone());
        config.client_cas.add(authority).expect("it is an authority's certificate");
    }
    config
}

fn client_config(kind: Kind, means: &Means) -> Config {
    let mut config = config(kind);
    if kind == Kind::Psk {
        // What it calls a hint is the identity where it is the client.
        config.psk_identity_hint = Some(IDENTITY.as_bytes().to_vec());
    } else {
        config.certificates = vec![certificate(&means.client)];
        let authority = CertificateDer::from(means.authority.certificate.clone());
        config.roots_cas.add(authority).expect("it is an authority's certificate");
        config.server_name = "localhost".to_owned();
    }
    config
}

fn config(kind: Kind) -> Config {
    let suite = match kind {
        Kind::Psk => CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8,
        Kind::Ccm8 => CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Ccm_8,
        Kind::Gcm => CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
    };
    let mut config = Config { cipher_suites: vec![suite], ..Config::default() };
    if kind == Kind::Psk {
        config.psk = Some(Arc::new(|_| Ok(KEY.to_vec())));
        config.psk_identity_hint = Some(Vec::new());
    }
    config
}

fn certificate(pair: &Pair) -> Certificate {
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.key, &SystemRandom::new());
    let kind = CryptoPrivateKeyKind::Ecdsa256(key.expect("it is a key of P-256"));
    let private_key = CryptoPrivateKey { kind, serialized_der: pair.key.clone() };
    Certificate { certificate: vec![CertificateDer::from(pair.certificate.clone())], private_key }
}

/// An end of a link in memory.
struct Link {
    out: channel::UnboundedSender<Vec<u8>>,
    back: Mutex<channel::UnboundedReceiver<Vec<u8>>>,
}

fn link() -> (Arc<Link>, Arc<Link>) {
    let (one, other) = (channel::unbounded_channel(), channel::unbounded_channel());
    let end = |out, back| Arc::new(Link { out, back: Mutex::new(back) });
    (end(one.0, other.1), end(other.0, one.1))
}

#[async_trait]
impl Conn for Link {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buffer: &mut [u8]) -> webrtc_util::Result<usize> {
        let bytes = self.back.lock().await.recv().await.ok_or(webrtc_util::Error::ErrBufferClosed)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buffer).await?, self.local_addr()?))
    }

    async fn send(&self, bytes: &[u8]) -> webrtc_util::Result<usize> {
        // One that nobody reads is lost, as with datagrams.
        drop(self.out.send(bytes.to_vec()));
        Ok(bytes.len())
    }

    async fn send_to(&self, bytes: &[u8], _: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(bytes).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], 5_684)))
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}
