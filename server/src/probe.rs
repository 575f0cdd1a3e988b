//! Asking a running server on this machine how it is: `muster health`, for containers that have no other client.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    config::{Config, ConsoleTls},
    tls::provider,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the process answers: `/healthz`.
    Alive,
    /// Whether it can do its work: `/readyz`.
    Ready,
}

/// Why the answer is no.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It has answered, and not well.
    #[error("{address} answers {status}: {body}")]
    Answer {
        /// Who.
        address: SocketAddr,
        /// The status line.
        status: String,
        /// What it says.
        body: String,
    },
    /// The port is chosen by the system, so nobody can know it.
    #[error("`console.listen` names no port to ask at")]
    NoPort,
    /// Nothing is heard.
    #[error("{address} does not answer: {source}")]
    Silent {
        /// Who.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

const WITHIN: Duration = Duration::from_secs(5);

/// The longest answer read.
const MAX_ANSWER: u64 = 16 << 10;

/// Asks at each address of the console until one answers well.
pub async fn ask(config: &Config, question: Question) -> Result<(), ProbeError> {
    let mut result = Err(ProbeError::NoPort);
    for address in config.console.listen.iter().filter(|address| address.port() != 0) {
        let address = SocketAddr::new(reachable(address.ip()), address.port());
        let asked = timeout(WITHIN, exchange(address, config.console.tls, question)).await;
        result = match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(answer) => judge(address, &answer),
            Err(source) => Err(ProbeError::Silent { address, source }),
        };
        if result.is_ok() {
            break;
        }
    }
    result
}

fn reachable(bound: IpAddr) -> IpAddr {
    match bound {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        bound => bound,
    }
}

async fn exchange(address: SocketAddr, tls: ConsoleTls, question: Question) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    if tls == ConsoleTls::Off {
        return get(stream, question).await;
    }
    let provider = provider();
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    get(TlsConnector::from(Arc::new(config)).connect(name, stream).await?, question).await
}

async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, question: Question) -> io::Result<String> {
    let path = match question {
        Question::Alive => "/healthz",
        Question::Ready => "/readyz",
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judge(address: SocketAddr, answer: &str) -> Result<(), ProbeError> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let status = status.strip_prefix("HTTP/1.1 ").unwrap_or("nothing that is HTTP").to_owned();
    Err(ProbeError::Answer { address, status, body: body.trim().to_owned() })
}

/// Takes any certificate: what is asked is no secret, and a certificate that people are warned of is no reason for
/// a restart. Signatures are checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_status_is_good() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert!(judge(address, "HTTP/1.1 200 OK\r\nx: y\r\n\r\nok\n").is_ok());
        let not_ready =
            judge(address, "HTTP/1.1 503 Service Unavailable\r\n\r\nnot ready: full\n").unwrap_err();
        assert_eq!(not_ready.to_string(), "127.0.0.1:8080 answers 503 Service Unavailable: not ready: full");
        assert!(judge(address, "").is_err() && judge(address, "SSH-2.0").is_err());
    }

    #[tokio::test]
    async fn nobody_there_is_said() {
        let config = Config::parse("[console]\nlisten = \"127.0.0.1:0\"").unwrap();
        assert!(matches!(ask(&config, Question::Alive).await, Err(ProbeError::NoPort)));
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = Config::parse(&format!("[console]\nlisten = \"{free}\"")).unwrap();
        let silent = ask(&config, Question::Ready).await.unwrap_err();
        assert!(silent.to_string().contains(&format!("{free} does not answer")), "{silent}");
    }
}
