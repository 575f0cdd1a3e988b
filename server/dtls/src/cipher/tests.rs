//! What holds for every suite, with and without connection ids.

use std::collections::HashSet;

use rand::SeedableRng;

use super::*;
use crate::record::{self, APPLICATION_DATA};

const CID: &[u8] = b"\x01\x02\x03\x04\x05\x06\x07\x08";

/// Every suite; those of CBC with the MAC inside and outside.
fn all() -> impl Iterator<Item = (Suite, bool)> {
    Suite::ALL.into_iter().flat_map(|suite| {
        [false, true]
            .into_iter()
            .filter(move |etm| !etm || suite.protection() == Protection::Cbc)
            .map(move |etm| (suite, etm))
    })
}

fn pair(suite: Suite, encrypt_then_mac: bool) -> [Keys; 2] {
    let master = MasterSecret::derive(b"premaster", &[1; 32], &[2; 32]);
    [Side::Client, Side::Server]
        .map(|side| Keys::derive(suite, encrypt_then_mac, side, &master, &[1; 32], &[2; 32]))
}

fn seal(keys: &Keys, sequence: u64, cid: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    let place = Place { kind: APPLICATION_DATA, epoch: 1, sequence, cid };
    keys.seal(place, plaintext, &mut StdRng::seed_from_u64(sequence), &mut sealed);
    sealed
}

fn open(keys: &Keys, mut datagram: Vec<u8>, cid_len: usize) -> Option<(u8, Vec<u8>)> {
    let record = record::next(&mut &mut datagram[..], cid_len)?;
    keys.open(record).map(|(kind, plaintext)| (kind, plaintext.to_vec()))
}

#[test]
fn what_one_side_seals_the_other_opens() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        for cid in [&[][..], CID, &[7; 255]] {
            for length in (0..=300).chain([MAX_PLAINTEXT - 1, MAX_PLAINTEXT]) {
                let plaintext: Vec<u8> = (0..length).map(|n| n as u8).collect();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let sealed = seal(from, 5, cid, &plaintext);
                    assert!(sealed.len() <= HEADER + cid.len() + length + from.overhead(), "{suite:?}");
                    let opened = open(to, sealed, cid.len());
                    assert_eq!(
                        opened,
                        Some((APPLICATION_DATA, plaintext.clone())),
                        "{suite:?} {etm} {length}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_record_with_any_bit_changed_does_not_open() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        for cid in [&[][..], CID] {
            let sealed = seal(&client, 5, cid, b"hello");
            for bit in 0..sealed.len() * 8 {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(&server, changed, cid.len()), None, "{suite:?} {etm}: bit {bit}");
            }
        }
    }
}

#[test]
fn a_side_does_not_open_what_it_sealed_itself() {
    for (suite, etm) in all() {
        let [client, _] = pair(suite, etm);
        assert_eq!(open(&client, seal(&client, 5, &[], b"hello"), 0), None, "{suite:?} {etm}");
    }
}

#[test]
fn a_body_of_any_length_that_nobody_sealed_does_not_open() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        for cid in [&[][..], CID] {
            let real = seal(&client, 5, cid, b"hello")[HEADER + cid.len()..].to_vec();
            for length in 0..=350 {
                for byte in [0, 0x0f, 0x10, 0xff] {
                    let mut body = vec![byte; length];
                    // The beginning of a real one as well: its nonce or IV.
                    for begin in [0, 8, 16] {
                        let begin = begin.min(length).min(real.len());
                        body[..begin].copy_from_slice(&real[..begin]);
                        let mut datagram = Vec::new();
                        Place { kind: APPLICATION_DATA, epoch: 1, sequence: 5, cid }
                            .write(length, &mut datagram);
                        datagram.extend_from_slice(&body);
                        assert_eq!(open(&server, datagram, cid.len()), None, "{suite:?} {etm}: {length}");
                    }
                }
            }
            for length in 0..real.len() {
                let mut datagram = Vec::new();
                Place { kind: APPLICATION_DATA, epoch: 1, sequence: 5, cid }.write(length, &mut datagram);
                datagram.extend_from_slice(&real[..length]);
                assert_eq!(open(&server, datagram, cid.len()), None, "{suite:?} {etm}: cut to {length}");
            }
        }
    }
}

#[test]
fn no_nonce_or_iv_is_sent_twice_under_a_key() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        let mut random = StdRng::seed_from_u64(1);
        let mut ledger = HashSet::new();
        let explicit = if suite.protection() == Protection::Cbc { 16 } else { 8 };
        for (side, keys) in [&client, &server].into_iter().enumerate() {
            for epoch in 1..4 {
                for sequence in 0..300 {
                    let mut sealed = Vec::new();
                    let place = Place { kind: APPLICATION_DATA, epoch, sequence, cid: &[] };
                    keys.seal(place, b"hello", &mut random, &mut sealed);
                    assert!(ledger.insert((side, sealed[HEADER..][..explicit].to_vec())), "{suite:?} {etm}");
                }
            }
        }
    }
}

#[test]
fn the_kind_within_a_record_stands_before_zeros() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        // As a sender that hides lengths would (RFC 9146 §4), and one that sends no kind at all.
        for (inner, opened) in [
            (&b"hi\x16\0\0\0"[..], Some((0x16, b"hi".to_vec()))),
            (b"\0\0\x17", Some((0x17, b"\0\0".to_vec()))),
            (b"\0\0\0", None),
            (b"", None),
        ] {
            let mut sealed = Vec::new();
            let (kind, rest) = match inner.split_last() {
                Some((kind, rest)) => (*kind, rest),
                None => continue,
            };
            let place = Place { kind, epoch: 1, sequence: 9, cid: CID };
            client.seal(place, rest, &mut StdRng::seed_from_u64(1), &mut sealed);
            assert_eq!(open(&server, sealed, CID.len()), opened, "{suite:?} {etm}");
        }
    }
}

#[test]
fn keys_are_written_and_read() {
    for (suite, etm) in all() {
        let [client, server] = pair(suite, etm);
        let mut written = Zeroizing::new(Vec::new());
        server.write(&mut written);
        let mut rest = &written[..];
        let read = Keys::read(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(read.suite(), suite);
        assert!(open(&read, seal(&client, 5, CID, b"hello"), CID.len()).is_some(), "{suite:?} {etm}");
        for length in 0..written.len() {
            assert!(Keys::read(&mut &written[..length]).is_none(), "{suite:?} {etm}: cut to {length}");
        }
    }
}

#[test]
fn keys_are_small_and_print_redacted() {
    assert!(size_of::<Keys>() <= 48);
    let [client, _] = pair(Suite::PskAes128Ccm8, false);
    assert_eq!(format!("{client:?}"), "Keys(PskAes128Ccm8, …)");
}
