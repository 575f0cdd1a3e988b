//! The listener for HTTP over a real socket.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;
use crate::downloads::{
    GRANTED_FOR,
    tests::{KEY, LEN, Shelf, image},
};

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(": ").is_some_and(|(is, _)| is.eq_ignore_ascii_case(name));
        self.head.lines().find(|one| line(one)).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }
}

async fn serve(shelf: &Shelf) -> SocketAddr {
    let listener = http::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(Arc::clone(&shelf.depot), Scheme::Https, "https://127.0.0.1");
    let stop = futures::future::pending().boxed().shared();
    tokio::spawn(http::serve_downloads(vec![listener], None, router, stop));
    address
}

async fn begin(to: SocketAddr, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn ask(to: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut bytes = Vec::new();
    // A connection that is cut off gives what came.
    let _ = begin(to, method, path, headers).await.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

fn path() -> String {
    format!("/d/{}", KEY.text())
}

#[tokio::test]
async fn a_package_is_given_whole_or_in_part_and_its_head_alone() {
    let shelf = Shelf::new().await;
    let to = serve(&shelf).await;
    let whole = ask(to, "GET", &path(), "").await;
    assert_eq!((whole.status, whole.body.len()), (200, LEN));
    assert!(whole.body == image());
    assert_eq!(whole.header("content-length"), Some(LEN.to_string().as_str()));
    assert_eq!(whole.header("cache-control"), Some("no-store"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let etag = whole.header("etag").unwrap();
    let head = ask(to, "HEAD", &path(), "").await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(etag)));
    assert_eq!(head.header("content-length"), Some(LEN.to_string().as_str()));

    let part = ask(to, "GET", &path(), &format!("Range: bytes=140000-\r\nIf-Range: {etag}\r\n")).await;
    assert_eq!(part.status, 206);
    let range = format!("bytes 140000-{}/{LEN}", LEN - 1);
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    assert!(part.body == image()[140_000..]);
    let changed = ask(to, "GET", &path(), "Range: bytes=140000-\r\nIf-Range: \"x\"\r\n").await;
    assert_eq!((changed.status, changed.body.len()), (200, LEN));
    let beyond = ask(to, "GET", &path(), "Range: bytes=150001-\r\n").await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(&*format!("bytes */{LEN}"))));
    let same = ask(to, "GET", &path(), &format!("If-None-Match: {etag}\r\n")).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
}

#[tokio::test]
async fn there_is_nothing_else() {
    let shelf = Shelf::new().await;
    let to = serve(&shelf).await;
    let guessed = DownloadKey([0x5b; 16]).text();
    for (method, path, expected) in [
        ("GET", "/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/d/", 404),
        ("GET", "/d/abc", 404),
        ("GET", &format!("/d/{guessed}"), 404),
        ("GET", &format!("{}/x", path()), 404),
        ("POST", &path(), 405),
        ("PUT", &path(), 405),
        ("DELETE", &path(), 405),
    ] {
        let answer = ask(to, method, path, "Content-Length: 0\r\n").await;
        assert_eq!((answer.status, answer.body.len()), (expected, 0), "{method} {path}");
    }
}

#[tokio::test]
async fn what_changes_within_a_download_cuts_it_off() {
    let shelf = Shelf::new().await;
    let to = serve(&shelf).await;
    shelf.withdraw().await;
    assert_eq!(ask(to, "GET", &path(), "").await.status, 403);

    let shelf = Shelf::new().await;
    let sending = Sending {
        counter: Counter {
            depot: Arc::clone(&shelf.depot),
            scheme: Scheme::Https,
            listener: "https://127.0.0.1".into(),
        },
        key: KEY,
        from: to,
        etag: etag(&shelf, to).await,
        at: 0,
        end: LEN as u64,
    };
    let (first, sending) = sending.next().await.unwrap().unwrap();
    assert!(first == image()[..STEP]);
    shelf.withdraw().await;
    tokio::time::sleep(GRANTED_FOR + Duration::from_millis(10)).await;
    assert!(sending.next().await.is_err(), "the connection ends, short of what was announced");
}

async fn etag(shelf: &Shelf, from: SocketAddr) -> [u8; 8] {
    let asker = Asker { scheme: Scheme::Https, device: None, from, listener: "" };
    shelf.depot.open(&KEY, &asker).await.unwrap().etag()
}

#[tokio::test]
async fn a_download_goes_on_after_a_restart_of_the_server() {
    let shelf = Shelf::new().await;
    let to = serve(&shelf).await;
    let first = ask(to, "GET", &path(), "Range: bytes=0-99999\r\n").await;
    let etag = first.header("etag").unwrap().to_owned();
    let shelf = shelf.restarted().await;
    let to = serve(&shelf).await;
    let rest = ask(to, "GET", &path(), &format!("Range: bytes=100000-\r\nIf-Range: {etag}\r\n")).await;
    assert_eq!((first.status, rest.status), (206, 206));
    assert!([first.body, rest.body].concat() == image());
}
