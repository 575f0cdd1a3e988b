//! What DTLS costs a server, by Muster's engine and by others, in one run on one machine; ends with an error if the engine
//! is over a limit.
//!
//! `cargo bench -p interop-tests --bench dtls`. All but OpenSSL are held as values between two ends in this process, and only
//! the server's own calls are timed (of webrtc-dtls, which is tasks, the processor time of its thread). OpenSSL is `s_server`
//! over loopback: its processor time has its system calls in it. Each figure is the least of many batches, so that what else
//! the machine does stays out of it.

mod clock;
mod dimpl;
mod engine;
mod hello;
mod openssl;
mod records;
mod table;
mod webrtc;

use std::{process::ExitCode, time::Duration};

use interop_tests::Means;

use self::table::Table;

/// A kind of handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `TLS_PSK_WITH_AES_128_CCM_8`.
    Psk,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8` on P-256, both with a certificate.
    Ccm8,
    /// The same with `GCM_SHA256`.
    Gcm,
}

fn main() -> ExitCode {
    let means = Means::make();
    let mut table = Table::new(["Muster", "dimpl", "webrtc-dtls", "OpenSSL"]);
    for (kind, name, limit) in [
        (Kind::Psk, "handshake, PSK CCM_8, ms", 0.10),
        (Kind::Ccm8, "handshake, ECDHE-ECDSA CCM_8, mutual, ms", 0.35),
        (Kind::Gcm, "handshake, ECDHE-ECDSA GCM, mutual, ms", 0.35),
    ] {
        let costs = [
            Some(engine::handshake(kind, &means)),
            dimpl::handshake(kind, &means),
            Some(webrtc::handshake(kind, &means)),
            openssl::handshake(kind, &means),
        ];
        table.row(name, limit, costs.map(|cost| cost.map(|cost| 1_000.0 * cost.as_secs_f64())));
    }
    let records = [records::engine(&means), records::dimpl(&means), records::webrtc()];
    table.row("seal 64 bytes, CCM_8, ns", 500.0, records.map(|[seal, _]| Some(nanoseconds(seal))));
    table.row("open 64 bytes, CCM_8, ns", 500.0, records.map(|[_, open]| Some(nanoseconds(open))));
    let (cost, kept) = hello::spoofed();
    table.row("a spoofed ClientHello, ns", 1_500.0, [Some(nanoseconds(cost))]);
    table.row("what a spoofed ClientHello leaves, bytes", 0.0, [Some(kept)]);
    print!("{table}");
    if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn nanoseconds(cost: Duration) -> f64 {
    1e9 * cost.as_secs_f64()
}
