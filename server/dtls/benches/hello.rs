//! What a spoofed ClientHello costs: taken in, read as far as its cookie, and answered, with nothing kept. At most 1.5 µs.
//!
//! `cargo bench -p dtls --bench hello`.

use std::{net::SocketAddr, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dtls::{Config, Endpoint, Output, Usage};
use hex_literal::hex;

/// As OpenSSL's `s_client -psk` sends it.
const HELLO: [u8; 135] = hex!(
    "16 feff 0000 000000000000 007a 01 00006e 0000 000000 00006e fefd"
    "130ffba26da1ed8fb88e6450422d9afc65893b429060acf2f032ebc1a48af5f3 00 00 0004 c0a800ff 01 00"
    "0040 0023 0000 0016 0000 0017 0000 000d 0030 002e 040305030603080708080809080a080b08040805"
    "0806040105010601030302030301020103020202040205020602"
);
const NOW: Duration = Duration::from_secs(1);

fn hello(criterion: &mut Criterion) {
    let mut endpoint = Endpoint::new(Config::default(), [7; 32]);
    let mut from = 0_u32;
    criterion.bench_function("a spoofed ClientHello", |bencher| {
        bencher.iter_batched_ref(
            || HELLO,
            |datagram| {
                from = from.wrapping_add(1);
                endpoint.handle_datagram(NOW, SocketAddr::from((from.to_be_bytes(), 5_684)), datagram);
                match endpoint.poll_output() {
                    Some(Output::Transmit { bytes, .. }) => assert_eq!(bytes.len(), 44),
                    other => panic!("{other:?}"),
                }
            },
            BatchSize::SmallInput,
        );
    });
    let Usage { handshakes, networks, sessions, outputs, .. } = endpoint.usage();
    assert_eq!([handshakes, networks, sessions, outputs], [0; 4], "nothing is kept");
}

criterion_group!(benches, hello);
criterion_main!(benches);
