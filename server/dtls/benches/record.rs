//! Sealing and opening a record of 64 bytes in a session with a connection id, each kind of suite: at most 0.5 µs each.
//!
//! Measured from outside, so the expansion of the key, finding the session and handing out the result are in it.
//! `cargo bench -p dtls --bench record`.

use std::{net::SocketAddr, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dtls::{Bounds, Config, Endpoint, Event, Output, Saved, SessionId, Suite, Tag};

mod state;

const SESSION: SessionId = SessionId(0x0102_0304_0506_0708);
const NOW: Duration = Duration::from_secs(1);
/// More sequence numbers than a run uses.
const RESERVE: u64 = 1 << 40;

fn records(criterion: &mut Criterion) {
    for (suite, encrypt_then_mac, name) in [
        (Suite::PskAes128Ccm8, false, "CCM_8"),
        (Suite::PskAes128Ccm, false, "CCM"),
        (Suite::PskAes128GcmSha256, false, "GCM"),
        (Suite::PskAes128CbcSha256, false, "CBC, MAC inside"),
        (Suite::PskAes128CbcSha256, true, "CBC, MAC outside"),
    ] {
        let [mut client, mut server] = [false, true]
            .map(|is_server| endpoint(state::state(suite, encrypt_then_mac, is_server, SESSION)));
        criterion.bench_function(&format!("seal 64 bytes: {name}"), |bencher| {
            bencher.iter(|| seal(&mut client).len());
        });
        criterion.bench_function(&format!("open 64 bytes: {name}"), |bencher| {
            bencher.iter_batched_ref(
                || seal(&mut client),
                |datagram| {
                    server.handle_datagram(NOW, peer(), datagram);
                    match server.poll_output() {
                        Some(Output::Event(Event::Received { plaintext, .. })) => plaintext,
                        other => panic!("{other:?}"),
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
}

fn endpoint(state: Vec<u8>) -> Endpoint {
    let bounds = Bounds { reserve: RESERVE, ..Bounds::default() };
    let mut endpoint = Endpoint::new(Config { bounds, ..Config::default() }, [7; 32]);
    let saved =
        Saved { id: SESSION, tag: Tag(1), peer: peer(), reserved: RESERVE, received: 0, state: state.into() };
    endpoint.restore(NOW, &saved).expect("the state is of version 1");
    endpoint
}

fn seal(client: &mut Endpoint) -> Vec<u8> {
    client.send(NOW, SESSION, &[0x55; 64]).expect("there are numbers left");
    match client.poll_output() {
        Some(Output::Transmit { bytes, .. }) => bytes,
        other => panic!("{other:?}"),
    }
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5_684))
}

criterion_group!(benches, records);
criterion_main!(benches);
