//! A ClientHello from an address that is somebody else's: read as far as its cookie, and answered.

use std::{fs, net::SocketAddr, time::Duration};

use dtls::{Config, Endpoint, Output};

use crate::{
    clock::{Stopwatch, least},
    engine::NOW,
};

/// A random of zeros, and what OpenSSL's `s_client -psk` offers.
const HELLO: &str = "16feff 0000 000000000000 007a 01 00006e 0000 000000 00006e fefd \
    0000000000000000000000000000000000000000000000000000000000000000 00 00 0004 c0a800ff 01 00 \
    0040 0023 0000 0016 0000 0017 0000 000d 0030 002e 040305030603080708080809080a080b08040805 \
    0806040105010601030302030301020103020202040205020602";

/// The processor time, and the bytes that are kept of one.
pub(crate) fn spoofed() -> (Duration, f64) {
    const EACH: u32 = 64;
    const BATCHES: u32 = 20_000;
    let digits: Vec<_> = HELLO.bytes().filter(u8::is_ascii_hexdigit).collect();
    let hello: Vec<_> = digits.chunks(2).map(byte).collect();
    let mut endpoint = Endpoint::new(Config::default(), [7; 32]);
    let mut from = 0_u32;
    let mut flood = |batches| {
        least(batches, EACH, || {
            let mut watch = Stopwatch::default();
            let mut datagrams = vec![hello.clone(); usize::try_from(EACH).expect("it is small")];
            watch.time(|| {
                for datagram in &mut datagrams {
                    from = from.wrapping_add(1);
                    endpoint.handle_datagram(NOW, SocketAddr::from((from.to_be_bytes(), 5_684)), datagram);
                    match endpoint.poll_output() {
                        Some(Output::Transmit { bytes, .. }) => assert_eq!(bytes.len(), 44),
                        other => panic!("{other:?}"),
                    }
                }
            });
            watch.0
        })
    };
    // Buffers are there after the first ones.
    flood(10);
    let before = resident_bytes();
    let cost = flood(BATCHES);
    let kept = resident_bytes().saturating_sub(before) / u64::from(BATCHES * EACH);
    #[expect(clippy::cast_precision_loss, reason = "a few bytes")]
    let kept = kept as f64;
    (cost, kept)
}

fn byte(digits: &[u8]) -> u8 {
    let text = str::from_utf8(digits).expect("digits are ASCII");
    u8::from_str_radix(text, 16).expect("they are hexadecimal")
}

/// `VmRSS` of /proc/self/status, which is in kB.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("it is a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    1_024 * line.trim_end_matches("kB").trim().parse::<u64>().expect("it is a number")
}
