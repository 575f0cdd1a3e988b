use proptest::prelude::*;

use super::*;
use crate::{
    message::{Fragment, Reassembly, kind, write_message},
    record::{self, Record, write_plain},
};

/// Numbers records from where it stands; "seals" by a tag of 8 bytes behind a nonce of 8, in the record of epoch 1.
#[derive(Default)]
struct Counting {
    clear: u64,
    sealed: u64,
    left: usize,
}

impl Records for Counting {
    fn plain(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) {
        write_plain(out, kind, self.clear, body);
        self.clear += 1;
    }

    fn sealed(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        record::write_header(out, record::VERSION_1_2, kind, 1, self.sealed, &[], body.len() + 16);
        out.extend([&[0; 8], body, &[0; 8]].concat());
        self.sealed += 1;
        true
    }

    fn sealed_overhead(&self) -> usize {
        record::HEADER + 16
    }
}

fn counting() -> Counting {
    Counting { left: usize::MAX, ..Counting::default() }
}

fn certificate(len: usize) -> Vec<u8> {
    write_message(kind::CERTIFICATE, 1, &(0..len).map(|at| at.to_le_bytes()[0]).collect::<Vec<_>>())
}

/// Two messages, a ChangeCipherSpec and a Finished.
fn flight(len: usize) -> Flight {
    let mut flight = Flight::default();
    flight.message(write_message(kind::SERVER_HELLO, 0, &[1; 70]));
    flight.message(certificate(len));
    flight.change_cipher_spec();
    flight.sealed(write_message(kind::FINISHED, 2, &[3; 12]));
    flight
}

/// The records of datagrams: kind, epoch, number, and the handshake plaintext.
fn records(datagrams: &[Vec<u8>]) -> Vec<(u8, u16, u64, Vec<u8>)> {
    let mut records = Vec::new();
    for datagram in datagrams {
        let mut datagram = datagram.clone();
        let mut rest = &mut datagram[..];
        while let Some(Record { kind, epoch, sequence, body, .. }) = record::next(&mut rest, 0) {
            let plaintext = if epoch == 0 { &body[..] } else { &body[8..body.len() - 8] };
            records.push((kind, epoch, sequence, plaintext.to_vec()));
        }
        assert!(rest.is_empty());
    }
    records
}

/// The messages of datagrams, put together.
fn messages(datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut reassembly = Reassembly::new(0, 1 << 14);
    for (kind, _, _, plaintext) in records(datagrams) {
        let mut rest = &plaintext[..];
        while kind == HANDSHAKE
            && let Some(fragment) = Fragment::next(&mut rest).unwrap()
        {
            reassembly.take(fragment);
        }
    }
    std::iter::from_fn(|| reassembly.pop()).map(|message| message.whole()).collect()
}

const WIDE: Limits = Limits { datagram: 1_232, plaintext: 1 << 14 };

#[test]
fn what_fits_goes_in_one_datagram_a_record_for_each() {
    let datagrams = flight(500).datagrams(WIDE, &mut counting());
    assert_eq!(datagrams.len(), 1);
    let records = records(&datagrams);
    let marks: Vec<_> = records.iter().map(|(kind, epoch, number, _)| (*kind, *epoch, *number)).collect();
    assert_eq!(marks, [(HANDSHAKE, 0, 0), (HANDSHAKE, 0, 1), (CHANGE_CIPHER_SPEC, 0, 2), (HANDSHAKE, 1, 0)]);
    assert_eq!(records[2].3, [1]);
}

#[test]
fn a_message_that_fits_a_datagram_of_its_own_is_not_cut() {
    let datagrams = flight(1_200 - 13 - 12).datagrams(WIDE, &mut counting());
    assert_eq!(datagrams.len(), 3);
    assert_eq!(records(&datagrams).len(), 4);
}

#[test]
fn what_is_sent_again_has_new_numbers_and_says_the_same() {
    let flight = flight(3_000);
    let mut numbers = counting();
    let first = flight.datagrams(WIDE, &mut numbers);
    let again = flight.datagrams(WIDE, &mut numbers);
    assert_eq!(messages(&first), messages(&again));
    let mut seen: Vec<_> =
        records(&[first, again].concat()).into_iter().map(|(_, epoch, number, _)| (epoch, number)).collect();
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn a_flight_ends_where_no_number_is_left() {
    let datagrams = flight(10).datagrams(WIDE, &mut Counting::default());
    let records = records(&datagrams);
    assert_eq!(records.last().unwrap().0, CHANGE_CIPHER_SPEC);
    assert_eq!(records.len(), 3);
}

#[test]
fn a_limit_that_is_too_small_for_anything_still_makes_progress() {
    let flight = flight(20);
    let datagrams = flight.datagrams(Limits { datagram: 1, plaintext: 1 }, &mut counting());
    assert_eq!(messages(&datagrams).len(), 3);
}

#[test]
fn waits_double_from_a_second_to_a_minute() {
    let mut retransmission = Retransmission::idle();
    assert_eq!(retransmission.due(), None);
    retransmission.begin(Duration::ZERO);
    let mut waits = Vec::new();
    let mut now = Duration::ZERO;
    for _ in 0..8 {
        let due = retransmission.due().unwrap();
        waits.push((due - now).as_secs());
        now = due;
        retransmission.back_off(now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    retransmission.begin(now);
    assert_eq!(retransmission.due(), Some(now + Duration::from_secs(1)));
    retransmission.stop();
    assert_eq!(retransmission.due(), None);
}

proptest! {
    #[test]
    fn no_datagram_and_no_plaintext_exceeds_its_limit_and_nothing_is_lost(
        len in 0_usize..4_000,
        datagram in 64_usize..1_500,
        plaintext in 32_usize..2_000,
    ) {
        let flight = flight(len);
        let datagrams = flight.datagrams(Limits { datagram, plaintext }, &mut counting());
        prop_assert!(datagrams.iter().all(|bytes| !bytes.is_empty() && bytes.len() <= datagram));
        for (_, _, _, body) in records(&datagrams) {
            prop_assert!(body.len() <= plaintext);
        }
        let expected = [
            write_message(kind::SERVER_HELLO, 0, &[1; 70]),
            certificate(len),
            write_message(kind::FINISHED, 2, &[3; 12]),
        ];
        prop_assert_eq!(messages(&datagrams), expected);
    }
}
