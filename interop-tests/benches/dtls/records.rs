//! A record of 64 bytes of AES-128-CCM_8: sealed by the server, and opened by it.
//!
//! Of the engine and of dimpl it is the way from the caller and back, as of a live session; of webrtc-dtls the cipher alone, with
//! its key expanded before.

use std::time::Duration;

use dtls::{Event, Output};
use interop_tests::Means;
use webrtc_dtls::{
    content::ContentType,
    crypto::crypto_ccm::{CryptoCcm, CryptoCcmTagLen},
    record_layer::record_layer_header::{PROTOCOL_VERSION1_2, RecordLayerHeader},
};

use crate::{
    Kind,
    clock::{Stopwatch, least},
    dimpl::Ends,
    engine::{NOW, Pair},
};

const TEXT: [u8; 64] = [0x55; 64];
const BATCHES: u32 = 2_000;
const EACH: u32 = 64;

/// Muster's, with a connection id.
pub(crate) fn engine(means: &Means) -> [Duration; 2] {
    let mut pair = Pair::new(Kind::Psk, means);
    pair.connect();
    let [client, server] = [&mut pair.client, &mut pair.server];
    let ids = [&*client, &*server].map(|side| side.session.expect("it is connected"));
    let seal = |side: &mut crate::engine::Side, id| {
        side.endpoint.send(NOW, id, &TEXT).expect("there are numbers left");
        match side.endpoint.poll_output() {
            Some(Output::Transmit { bytes, .. }) => bytes,
            other => panic!("{other:?}"),
        }
    };
    let sealed = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        drop(watch.time(|| (0..EACH).map(|_| seal(server, ids[1])).collect::<Vec<_>>()));
        watch.0
    });
    let opened = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        let mut datagrams: Vec<_> = (0..EACH).map(|_| seal(client, ids[0])).collect();
        watch.time(|| {
            for bytes in &mut datagrams {
                server.endpoint.handle_datagram(NOW, client.address, bytes);
                match server.endpoint.poll_output() {
                    Some(Output::Event(Event::Received { plaintext, .. })) => assert_eq!(plaintext, TEXT),
                    other => panic!("{other:?}"),
                }
            }
        });
        watch.0
    });
    [sealed, opened]
}

pub(crate) fn dimpl(means: &Means) -> [Duration; 2] {
    use dimpl::{Dtls, Output};
    let (_, [mut client, mut server]) = Ends::of(Kind::Psk, means).expect("it has this suite").connect();
    let mut buffer = vec![0; 4_096];
    let mut seal = |end: &mut Dtls| {
        end.send_application_data(&TEXT).expect("it is connected");
        loop {
            match end.poll_output(&mut buffer) {
                Output::Packet(packet) => break packet.to_vec(),
                Output::Timeout(_) => panic!("nothing is sent"),
                _ => {}
            }
        }
    };
    let sealed = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        drop(watch.time(|| (0..EACH).map(|_| seal(&mut server)).collect::<Vec<_>>()));
        watch.0
    });
    let mut plaintext = vec![0; 4_096];
    let opened = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        let packets: Vec<_> = (0..EACH).map(|_| seal(&mut client)).collect();
        watch.time(|| {
            for packet in &packets {
                server.handle_packet(packet).expect("it is well-formed");
                loop {
                    match server.poll_output(&mut plaintext) {
                        Output::ApplicationData(data) => break assert_eq!(data, TEXT),
                        Output::Timeout(_) => panic!("nothing has arrived"),
                        _ => {}
                    }
                }
            }
        });
        watch.0
    });
    [sealed, opened]
}

pub(crate) fn webrtc() -> [Duration; 2] {
    let [one, other] = [[1; 16], [2; 16]];
    let of = |own: &[u8; 16], others: &[u8; 16]| {
        CryptoCcm::new(&CryptoCcmTagLen::CryptoCcm8TagLength, own, &own[..4], others, &others[..4])
    };
    let [sealing, opening] = [of(&one, &other), of(&other, &one)];
    let header = RecordLayerHeader {
        content_type: ContentType::ApplicationData,
        protocol_version: PROTOCOL_VERSION1_2,
        epoch: 1,
        sequence_number: 1,
        content_len: 64,
    };
    let mut record = Vec::new();
    header.marshal(&mut record).expect("a Vec takes all");
    record.extend_from_slice(&TEXT);
    let seal = || sealing.encrypt(&header, &record).expect("the record is short");
    let sealed = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        drop(watch.time(|| (0..EACH).map(|_| seal()).collect::<Vec<_>>()));
        watch.0
    });
    let opened = least(BATCHES, EACH, || {
        let mut watch = Stopwatch::default();
        let records: Vec<_> = (0..EACH).map(|_| seal()).collect();
        watch.time(|| {
            records.iter().for_each(|record| drop(opening.decrypt(record).expect("it authenticates")))
        });
        watch.0
    });
    [sealed, opened]
}
