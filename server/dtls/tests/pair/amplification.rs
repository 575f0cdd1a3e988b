//! What an address gets that has not shown a cookie: no more bytes than came from there, whatever they were (RFC 6347 §4.2.1).

use std::{net::SocketAddr, time::Duration};

use crate::{
    primitives::{clear, message},
    puppet::{Hello, MODES, Mode},
    simulation::{IDENTITY, Link, Pair, address, known, psk},
};

const VICTIM: &str = "203.0.113.9:4000";
const CLIENT_HELLO: u8 = 1;

fn record(kind: u8, epoch: u16, number: u64, body: &[u8]) -> Vec<u8> {
    let number = (u64::from(epoch) << 48 | number).to_be_bytes();
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 0xfe, 0xfd][..], &number, &len, body].concat()
}

fn hello(hello: &Hello, cookie: &[u8]) -> Vec<u8> {
    clear(0, &message(CLIENT_HELLO, u16::from(!cookie.is_empty()), &hello.body(&[9; 32], cookie)))
}

/// The cookie that an address is asked for.
fn cookie_of(pair: &mut Pair, from: SocketAddr, of: &Hello) -> Vec<u8> {
    pair.inject(from, &hello(of, &[]));
    let asked = pair.seen.pop().unwrap().bytes;
    // Record, handshake header, version and length.
    asked[13 + 12 + 3..].to_vec()
}

/// All that an address could come up with that has no cookie of its own.
fn datagrams(pair: &mut Pair) -> Vec<Vec<u8>> {
    let psk_hello = Mode::Psk.hello();
    let stale = cookie_of(pair, address(VICTIM), &psk_hello);
    pair.run_for(Duration::from_secs(3_600));
    let foreign = cookie_of(pair, address("203.0.113.10:4000"), &psk_hello);
    let mut datagrams = Vec::new();
    for mode in MODES {
        datagrams.push(hello(&mode.hello(), &[]));
        // Asks to go on with a session, which nobody may without a cookie either (CVE-2022-2576).
        for session in [vec![7; 8], vec![7; 32]] {
            datagrams.push(hello(&Hello { session_id: session, ..mode.hello() }, &[]));
        }
    }
    // The shortest that there is, and ever longer ones.
    let bare = |extensions| Hello { extensions, ..Mode::Psk.hello() };
    datagrams.push(hello(&bare(Vec::new()), &[]));
    for padding in [1_u16, 60, 300, 1_000, 1_300] {
        let len = padding.to_be_bytes();
        let extension = [&[0, 21][..], &len, &vec![0; padding.into()]].concat();
        datagrams.push(hello(&bare(vec![extension]), &[]));
    }
    for cookie in [stale, foreign, vec![0; 16], vec![1; 1], vec![2; 15], vec![3; 17], vec![4; 255]] {
        datagrams.push(hello(&psk_hello, &cookie));
    }
    let whole = hello(&psk_hello, &[]);
    datagrams.extend((0..whole.len()).map(|len| whole[..len].to_vec()));
    // In fragments: the first says how long it is to be.
    let body = psk_hello.body(&[9; 32], &[]);
    for (offset, len) in [(0_u8, 40_u8), (0, 1), (40, 10), (1, 1)] {
        let mut fragment = message(CLIENT_HELLO, 0, &body)[..12].to_vec();
        (fragment[8], fragment[11]) = (offset, len);
        fragment.extend(&body[offset.into()..usize::from(offset + len)]);
        datagrams.push(clear(0, &fragment));
    }
    // Several records of it, and several messages in one.
    datagrams.push(whole.repeat(10));
    datagrams.push(clear(0, &message(CLIENT_HELLO, 0, &body).repeat(5)));
    for kind in [20, 21, 22, 23, 24, 25, 0, 255] {
        for epoch in [0, 1, 2] {
            for body in [&[][..], &[1], &[2, 40], &[0; 12], &[7; 29], &[1; 400]] {
                datagrams.push(record(kind, epoch, 5, body));
            }
        }
    }
    for kind in 0..=25 {
        datagrams.push(clear(0, &message(kind, 1, &[0; 40])));
    }
    datagrams
}

/// How many bytes an address gets for this, sent three times at once and once more after a while, with all that follows in
/// two minutes.
fn bytes_for(pair: &mut Pair, datagram: &[u8]) -> usize {
    pair.seen.clear();
    for _ in 0..3 {
        pair.inject(address(VICTIM), datagram);
    }
    pair.run(60);
    pair.inject(address(VICTIM), datagram);
    pair.run(60);
    pair.seen.iter().filter(|sent| sent.to == address(VICTIM)).map(|sent| sent.bytes.len()).sum()
}

#[test]
fn whatever_an_address_without_a_cookie_sends_it_gets_no_more_than_that() {
    let mut pair = Pair::new();
    pair.server.caller.lets_in = Some(known(None));
    pair.link.fate = Box::new(|_, _| Vec::new());
    let mut answered = 0;
    for datagram in datagrams(&mut pair) {
        let bytes = bytes_for(&mut pair, &datagram);
        assert!(
            bytes <= 4 * datagram.len(),
            "{bytes} bytes for four times {}: {datagram:02x?}",
            datagram.len()
        );
        answered += usize::from(bytes > 0);
    }
    assert!(answered > 25, "{answered}");
    let usage = pair.server.endpoint.usage();
    assert_eq!((usage.handshakes, usage.sessions, usage.networks), (0, 0, 0));
}

#[test]
fn whatever_is_sent_from_the_address_of_a_session_gets_no_more_than_that_either() {
    let mut pair = Pair::new();
    pair.client.address = address(VICTIM);
    pair.connect(psk(IDENTITY, b"0123456789abcdef"));
    pair.run(5);
    pair.assert_connected();
    let datagrams = datagrams(&mut pair);
    pair.link.fate = Box::new(|_, _| Vec::new());
    for datagram in datagrams {
        let bytes = bytes_for(&mut pair, &datagram);
        assert!(
            bytes <= 4 * datagram.len(),
            "{bytes} bytes for four times {}: {datagram:02x?}",
            datagram.len()
        );
    }
    pair.link = Link::good();
    pair.assert_talks();
}
