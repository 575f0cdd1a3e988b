//! The console's listeners over real sockets: in the clear, over TLS, and with clients that dawdle.

use std::{net::IpAddr, path::Path};

use axum::routing::get;
use futures::FutureExt as _;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::*;
use crate::{
    config::Config,
    tls::{provider, tests as files},
};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.9\r\nConnection: close\r\n\r\n";

fn forever() -> Stop {
    future::pending().boxed().shared()
}

/// Starts a console that answers with the client's address.
async fn console(config: &Config, stop: Stop) -> (SocketAddr, Option<Arc<Tls>>) {
    let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let tls = Tls::start(config).unwrap().map(Arc::new);
    let router = Router::new().route(
        "/",
        get(|ConnectInfo(client): ConnectInfo<SocketAddr>, headers: axum::http::HeaderMap| async move {
            assert!(!headers.contains_key("x-forwarded-for"));
            format!("hello {}", client.ip())
        }),
    );
    let console = Console { listeners: vec![listener], config: config.console.clone(), tls: tls.clone() };
    tokio::spawn(console.serve(router, stop));
    (address, tls)
}

async fn plain(config: &Config, stop: Stop) -> TcpStream {
    TcpStream::connect(console(config, stop).await.0).await.unwrap()
}

/// Asks over TLS, trusting the certificates of one file alone.
async fn ask(address: SocketAddr, trusted: &Path, name: &'static str) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let mut stream =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(REQUEST).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_not_waited_for() {
    let mut client = plain(&Config::default(), forever()).await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("hello"));
}

#[tokio::test]
async fn a_stop_lets_an_answer_finish() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut client = plain(&Config::default(), stopped.map(|_| ()).boxed().shared()).await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4_096];
    let len = client.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..len]).ends_with("hello 127.0.0.1"));
    drop(stop);
    assert_eq!(client.read(&mut answer).await.unwrap(), 0);
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_its_client_and_others_do_not() {
    for (trusted, expected) in [("\"127.0.0.1\"", "hello 192.0.2.9"), ("", "hello 127.0.0.1")] {
        let text = format!("[console]\ntrusted_proxies = [{trusted}]\n");
        let mut client = plain(&Config::parse(&text).unwrap(), forever()).await;
        client.write_all(REQUEST).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with(expected), "{answer}");
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
}

#[tokio::test]
async fn a_proxy_in_the_clear_is_sent_to_https() {
    let text = "[console]\ntrusted_proxies = [\"127.0.0.1\"]\npublic_url = \"https://muster.example\"\n";
    let mut client = plain(&Config::parse(text).unwrap(), forever()).await;
    let request =
        "GET /a?b HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 308 ") && answer.contains("location: https://muster.example/a?b\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn files_are_served_over_tls_and_replaced_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    files::write_pair(folder.path(), "one.example");
    let (address, tls) = console(&files::with_files(folder.path()), forever()).await;
    let trusted = folder.path().join("cert.pem");
    let old = folder.path().join("old.pem");
    std::fs::copy(&trusted, &old).unwrap();
    let answer = ask(address, &trusted, "one.example").await.unwrap();
    assert!(answer.ends_with("hello 127.0.0.1"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    assert!(ask(address, &trusted, "two.example").await.is_err());

    // A pair that is no good changes nothing. At no moment do the files lie there as a good one.
    let next = tempfile::tempdir().unwrap();
    files::write_pair(next.path(), "two.example");
    std::fs::copy(next.path().join("cert.pem"), &trusted).unwrap();
    tls.as_ref().unwrap().look();
    ask(address, &old, "one.example").await.unwrap();
    std::fs::copy(next.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    // The console looks by itself, too.
    for _ in 0..100 {
        if ask(address, &trusted, "two.example").await.is_ok() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    ask(address, &trusted, "two.example").await.unwrap();
    assert!(ask(address, &old, "one.example").await.is_err());
}

#[tokio::test]
async fn a_certificate_of_our_own_is_for_the_public_host_and_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = files::self_signed(folder.path());
    config.public_host = "muster.example".parse().unwrap();
    let (address, _) = console(&config, forever()).await;
    let trusted = folder.path().join("console-certificate.pem");
    for name in ["muster.example", "localhost", "127.0.0.1", "::1"] {
        let answer = ask(address, &trusted, name).await.unwrap();
        assert!(answer.ends_with("hello 127.0.0.1"), "{answer}");
        assert!(!answer.contains("strict-transport-security"), "{answer}");
    }
    assert!(ask(address, &trusted, "other.example").await.is_err());
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = plain(&files::self_signed(folder.path()), forever()).await;
    client.write_all(REQUEST).await.unwrap();
    let mut answer = Vec::new();
    // The alert, and then the end, which may come as a reset.
    let _ = client.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_never_finished_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = plain(&files::self_signed(folder.path()), forever()).await;
    // The head of a TLS record that announces more than follows.
    client.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(client.read(&mut [0; 16]).await.unwrap_or(0), 0);
    let waited = before.elapsed();
    assert!(waited >= HANDSHAKE_WITHIN && waited < HANDSHAKE_WITHIN * 2, "{waited:?}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut client = plain(&files::self_signed(folder.path()), stopped.map(|_| ()).boxed().shared()).await;
    client.write_all(&[0x16]).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(stop);
    let ended = timeout(LAST_ANSWERS / 2, client.read(&mut [0; 16])).await;
    assert_eq!(ended.expect("it ends at once").unwrap_or(0), 0);
}

#[tokio::test]
async fn dawdling_handshakes_take_places_and_no_more_than_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = console(&files::self_signed(folder.path()), forever()).await;
    let mut clients = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    // The last of them is served when the others have been accepted.
    let mut one_more = TcpStream::connect(address).await.unwrap();
    let ended = timeout(HANDSHAKE_WITHIN / 2, one_more.read(&mut [0; 16])).await;
    assert_eq!(ended.expect("it is closed at once").unwrap_or(0), 0);
    drop(clients);
    let trusted = folder.path().join("console-certificate.pem");
    for _ in 0..100 {
        if ask(address, &trusted, "localhost").await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the places are free again");
}

#[tokio::test]
async fn both_families_of_one_port_stand_side_by_side() {
    let Ok(six) = bind("[::]:0".parse().unwrap()) else { return };
    let port = six.local_addr().unwrap().port();
    let four = bind(SocketAddr::from((IpAddr::from([0, 0, 0, 0]), port))).unwrap();
    assert_eq!(four.local_addr().unwrap().port(), port);
}
