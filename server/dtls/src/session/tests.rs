//! Two sessions that talk to each other, and what is kept of them.

use hex_literal::hex;
use proptest::prelude::*;
use rand::SeedableRng;
use zeroize::Zeroizing;

use super::*;
use crate::{
    Suite,
    cipher::Side,
    prf::MasterSecret,
    record::{self, APPLICATION_DATA},
};

const RESERVE: u64 = 8;
const NOW: Duration = Duration::from_secs(1);

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 5_684))
}

fn master() -> MasterSecret {
    MasterSecret::derive(b"premaster", &[1; 32], &[2; 32])
}

fn session(suite: Suite, side: Side, own_cid: bool, peer_cid: &[u8]) -> Session {
    let keys = Keys::derive(suite, false, side, &master(), &[1; 32], &[2; 32]);
    let (id, tag) = (SessionId(0x0102_0304_0506_0708), Tag(9));
    Session::new(
        NOW,
        Beginning {
            id,
            tag,
            shared: false,
            peer: address(1),
            keys,
            peer_cid,
            own_cid,
            max_plaintext: 512,
            reserved: RESERVE,
        },
    )
}

/// A server's session with a connection id and its client's.
fn pair() -> [Session; 2] {
    let suite = Suite::PskAes128Ccm8;
    [session(suite, Side::Server, true, &[]), session(suite, Side::Client, false, &hex!("0102030405060708"))]
}

fn seal(session: &mut Session, plaintext: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let mut out = Vec::new();
    session.seal(APPLICATION_DATA, plaintext, &mut StdRng::seed_from_u64(1), &mut out)?;
    Ok(out)
}

fn open(session: &mut Session, datagram: &[u8]) -> Result<(Vec<u8>, bool), Unopened> {
    open_at(session, NOW, datagram)
}

fn open_at(session: &mut Session, now: Duration, datagram: &[u8]) -> Result<(Vec<u8>, bool), Unopened> {
    let mut datagram = datagram.to_vec();
    let record = record::next(&mut &mut datagram[..], 8).ok_or(Unopened::Forged)?;
    session.open(now, record).map(|opened| (opened.plaintext.to_vec(), opened.newest))
}

fn resumption(session: &Session) -> Resumption {
    Resumption {
        suite: session.keys.suite(),
        master: master(),
        extended_master_secret: true,
        shared: session.shared(),
        session_id: (0..16).collect(),
    }
}

#[test]
fn a_record_is_taken_once_and_in_any_order() {
    let [mut server, mut client] = pair();
    let [a, b] = [b"a", b"b"].map(|data| seal(&mut client, data).unwrap());
    assert_eq!(open(&mut server, &b), Ok((b"b".to_vec(), true)));
    assert_eq!(open(&mut server, &b), Err(Unopened::Replayed));
    assert_eq!(open(&mut server, &a), Ok((b"a".to_vec(), false)));
    assert_eq!(open(&mut server, &a), Err(Unopened::Replayed));
    assert_eq!(server.received(), 2);
}

#[test]
fn a_record_that_was_held_back_for_longer_than_any_is_on_its_way_is_not_taken() {
    let [mut server, mut client] = pair();
    let [a, b, c] = [b"a", b"b", b"c"].map(|data| seal(&mut client, data).unwrap());
    open(&mut server, &c).unwrap();
    assert!(open_at(&mut server, NOW + MAX_LATENCY, &b).is_ok());
    assert_eq!(open_at(&mut server, NOW + MAX_LATENCY * 2, &a), Err(Unopened::Replayed));
    let d = seal(&mut client, b"d").unwrap();
    assert!(open_at(&mut server, NOW + MAX_LATENCY * 2, &d).is_ok());
}

#[test]
fn a_restored_session_takes_nothing_older_than_what_came_first() {
    let [server, mut client] = pair();
    let [a, b, c, d] = [b"a", b"b", b"c", b"d"].map(|data| seal(&mut client, data).unwrap());
    let saved = server.save(&resumption(&server), &Finished::default());
    let mut restored = Session::restore(NOW, &saved, 0).unwrap();
    assert!(open(&mut restored, &b).is_ok());
    assert_eq!(open(&mut restored, &a), Err(Unopened::Replayed), "it may have come and not been kept");
    assert!(open(&mut restored, &d).is_ok());
    assert!(open(&mut restored, &c).is_ok());
}

#[test]
fn what_does_not_authenticate_changes_nothing() {
    let [mut server, mut client] = pair();
    let real = seal(&mut client, b"a").unwrap();
    let mut forged = real.clone();
    // A number far ahead, which would shut out all real ones.
    forged[5..11].copy_from_slice(&hex!("7fffffffffff"));
    assert_eq!(open(&mut server, &forged), Err(Unopened::Forged));
    assert_eq!(server.received(), 0);
    assert_eq!(open(&mut server, &real), Ok((b"a".to_vec(), true)));
}

#[test]
fn records_without_the_agreed_connection_id_are_not_taken() {
    let [mut server, _] = pair();
    let mut client = session(Suite::PskAes128Ccm8, Side::Client, false, &[]);
    let plain = seal(&mut client, b"a").unwrap();
    assert_eq!(open(&mut server, &plain), Err(Unopened::Forged));
    let mut client = session(Suite::PskAes128Ccm8, Side::Client, false, &hex!("0102030405060709"));
    let other = seal(&mut client, b"a").unwrap();
    assert_eq!(open(&mut server, &other), Err(Unopened::Forged));
}

#[test]
fn no_number_is_used_that_is_not_reserved() {
    let [_, mut client] = pair();
    let mut wishes = Vec::new();
    for _ in 0..RESERVE {
        seal(&mut client, b"a").unwrap();
        wishes.extend(client.wish(RESERVE));
    }
    assert_eq!(wishes, [2 * RESERVE], "asked once, when half was left");
    assert_eq!(seal(&mut client, b"a"), Err(Unsealed::NotReserved));
    client.extend(2 * RESERVE);
    assert_eq!(seal(&mut client, b"a").unwrap()[3..11], hex!("0001 000000000008"));
    client.extend(RESERVE);
    assert!(seal(&mut client, b"a").is_ok(), "what is reserved stays so");
}

#[test]
fn a_session_that_has_used_all_numbers_seals_no_more() {
    let [_, mut client] = pair();
    client.next = MAX_SEQUENCE - 1;
    client.extend(u64::MAX);
    assert_eq!(client.wish(RESERVE), None, "there is nothing to reserve");
    assert!(seal(&mut client, b"a").is_ok());
    assert_eq!(seal(&mut client, b"a"), Err(Unsealed::UsedUp));
}

#[test]
fn what_is_too_long_for_the_peer_uses_no_number() {
    let [_, mut client] = pair();
    assert_eq!(seal(&mut client, &[0; 513]), Err(Unsealed::TooLong { max: 512 }));
    assert_eq!(seal(&mut client, &[0; 512]).unwrap()[3..11], hex!("0001 000000000000"));
}

#[test]
fn a_session_moves_when_it_is_heard_elsewhere_twice() {
    let [mut server, _] = pair();
    assert_eq!(server.hear(address(1), 50, true), None);
    assert_eq!(server.hear(address(2), 50, false), None, "an older record moves nothing");
    assert_eq!(server.path(1), Some(address(1)));
    assert_eq!(server.hear(address(2), 50, true), None);
    assert_eq!((server.path(100), server.peer()), (Some(address(2)), address(1)));
    assert_eq!(server.hear(address(2), 50, true), Some(address(2)));
    server.set_peer(address(2));
    assert_eq!((server.path(10_000), server.peer()), (Some(address(2)), address(2)));
    assert!(server.rare.is_none());
}

#[test]
fn no_more_than_three_times_goes_to_where_a_session_was_heard_once() {
    let [mut server, _] = pair();
    server.hear(address(2), 50, true);
    assert_eq!([100, 50, 1].map(|bytes| server.path(bytes)), [2, 2, 1].map(|n| Some(address(n))));
    server.hear(address(3), 10, true);
    assert_eq!([31, 30, 1].map(|bytes| server.path(bytes)), [1, 3, 1].map(|n| Some(address(n))));
    server.hear(address(1), 10, true);
    assert_eq!((server.path(1), server.rare.is_none()), (Some(address(1)), true), "it is back");
}

#[test]
fn a_session_that_has_given_way_is_bounded_where_it_was_heard_until_it_is_heard_there_again() {
    let [mut server, _] = pair();
    server.hear(address(2), 50, true);
    assert_eq!(server.heard_elsewhere(), Some(address(2)));
    assert!(server.is_certain());
    server.give_way(address(2));
    assert_eq!((server.peer(), server.heard_elsewhere(), server.is_certain()), (address(2), None, false));
    assert_eq!([150, 1].map(|bytes| server.path(bytes)), [Some(address(2)), None], "address 1 is another's");
    server.hear(address(3), 10, true);
    assert_eq!([31, 30].map(|bytes| server.path(bytes)), [None, Some(address(3))]);
    assert_eq!(server.hear(address(2), 50, true), None);
    assert_eq!((server.path(10_000), server.rare.is_none()), (Some(address(2)), true), "it is there");
    assert!(server.is_certain());
}

#[test]
fn a_restored_session_moves_after_a_fresh_answer_only() {
    let [mut server, mut client] = pair();
    let mut saved = server.save(&resumption(&server), &Finished::default());
    saved.reserved += RESERVE;
    server = Session::restore(Duration::ZERO, &saved, RESERVE).unwrap();
    for _ in 0..3 {
        let sealed = seal(&mut client, b"a").unwrap();
        let (_, newest) = open(&mut server, &sealed).unwrap();
        assert_eq!(server.hear(address(2), sealed.len(), newest), None);
    }
    assert_eq!(server.path(50), Some(address(2)), "it is answered there");
    assert_eq!(server.confirm(), Some(address(2)));
}

#[test]
fn a_restored_session_goes_on_with_fresh_numbers() {
    for suite in Suite::ALL {
        for peer_cid in [&[][..], &[1; 8], &[2; 9], &[3; 255]] {
            let mut server = session(suite, Side::Server, true, peer_cid);
            let mut client = session(suite, Side::Client, false, &hex!("0102030405060708"));
            let old = seal(&mut client, b"old").unwrap();
            open(&mut server, &old).unwrap();
            for _ in 0..RESERVE {
                seal(&mut server, b"a").unwrap();
            }
            let mut saved = server.save(&resumption(&server), &Finished::default());
            // As the caller does for all it has, in one statement.
            saved.reserved += RESERVE;
            let mut restored = Session::restore(Duration::from_secs(5), &saved, RESERVE).unwrap();
            assert_eq!(open(&mut restored, &old), Err(Unopened::Replayed));
            let new = seal(&mut client, b"new").unwrap();
            assert_eq!(open(&mut restored, &new), Ok((b"new".to_vec(), true)));
            let sealed = seal(&mut restored, b"b").unwrap();
            assert_eq!(sealed[3..11], hex!("0001 000000000008"), "the first that was not reserved before");
            assert_eq!(&sealed[11..11 + peer_cid.len()], peer_cid);
            assert_eq!(restored.peer_cid(), server.peer_cid());
            assert_eq!((restored.id, restored.tag, restored.peer()), (server.id, server.tag, server.peer()));
            assert_eq!((restored.own_cid, restored.max_plaintext()), (true, 512));
            assert_eq!(saved.resumption(), Some(resumption(&server)));
        }
    }
}

#[test]
fn a_restored_session_has_its_finished_until_data_has_come() {
    let [mut server, mut client] = pair();
    open(&mut server, &seal(&mut client, b"the client's Finished").unwrap()).unwrap();
    let finished = Finished { whole: vec![20; 24], clear: 5 };
    let mut saved = server.save(&resumption(&server), &finished);
    saved.reserved += RESERVE;
    let mut restored = Session::restore(Duration::ZERO, &saved, RESERVE).unwrap();
    assert!(restored.last_flight().unwrap().clear > 5);
    restored.set_last_flight(None);
    assert!(restored.rare.is_none());
    saved.received += 1;
    assert!(Session::restore(Duration::ZERO, &saved, RESERVE).unwrap().last_flight().is_none());
}

#[test]
fn a_state_that_is_cut_off_or_longer_or_of_another_version_is_not_restored() {
    for suite in Suite::ALL {
        let server = session(suite, Side::Server, true, &[7; 20]);
        let saved = server.save(&resumption(&server), &Finished { whole: vec![20; 24], clear: 5 });
        let restore = |state: &[u8]| {
            let saved = Saved { state: Zeroizing::new(state.to_vec()), ..saved.clone() };
            assert_eq!(saved.resumption().is_some(), Session::restore(Duration::ZERO, &saved, 8).is_ok());
            Session::restore(Duration::ZERO, &saved, 8).map(|_| ())
        };
        assert_eq!(restore(&saved.state), Ok(()));
        for length in 0..saved.state.len() {
            assert_eq!(restore(&saved.state[..length]), Err(RestoreError::Unreadable), "cut to {length}");
        }
        assert_eq!(restore(&[&saved.state[..], &[0]].concat()), Err(RestoreError::Unreadable));
        for (at, what) in [(0, "the version"), (1, "the flags"), (4, "the suite")] {
            let mut changed = saved.state.clone();
            changed[at] ^= 0x80;
            assert_eq!(restore(&changed), Err(RestoreError::Unreadable), "{what}");
        }
    }
}

#[test]
fn a_state_is_written_without_growing() {
    let server = session(Suite::PskAes128CbcSha256, Side::Server, true, &[7; 255]);
    let mut resumption = resumption(&server);
    resumption.session_id = vec![1; 32];
    let saved = server.save(&resumption, &Finished { whole: vec![20; 255], clear: 5 });
    assert_eq!(saved.state.capacity(), state::MAX_STATE);
    assert_eq!(saved.state.len(), state::MAX_STATE);
}

#[test]
fn neither_a_session_nor_what_is_kept_of_it_prints_a_key() {
    let [server, _] = pair();
    let saved = server.save(&resumption(&server), &Finished::default());
    for printed in [format!("{server:?}"), format!("{saved:?}"), format!("{:?}", saved.resumption())] {
        assert!(!printed.contains("state") && printed.len() < 250, "{printed}");
    }
}

proptest! {
    #[test]
    fn any_state_is_refused_or_restored(mut state: Vec<u8>, at in 0..200_usize, value: u8, raw: bool) {
        let server = session(Suite::PskAes128CbcSha256, Side::Server, true, &[7; 20]);
        let mut saved = server.save(&resumption(&server), &Finished::default());
        if raw {
            saved.state = Zeroizing::new(std::mem::take(&mut state));
        } else if let Some(byte) = saved.state.get_mut(at) {
            *byte = value;
        }
        if let Ok(mut session) = Session::restore(Duration::ZERO, &saved, RESERVE) {
            let _ = seal(&mut session, b"a");
        }
    }

    #[test]
    fn no_number_is_used_twice_over_any_restarts(steps in prop::collection::vec(0..5_u8, 0..80)) {
        // What the caller has made durable.
        let mut server = session(Suite::PskAes128Ccm8, Side::Server, false, &[]);
        let mut durable = server.save(&resumption(&server), &Finished::default());
        let mut asked = None;
        let mut used = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                0..3 => if let Ok(sealed) = seal(&mut server, b"a") {
                    prop_assert!(used.insert(sealed[3..11].to_vec()));
                    asked = server.wish(RESERVE).or(asked);
                }
                3 => if let Some(upto) = asked.take() {
                    durable.reserved = upto;
                    server.extend(upto);
                }
                _ => {
                    durable.reserved += RESERVE;
                    server = Session::restore(Duration::ZERO, &durable, RESERVE).unwrap();
                    asked = None;
                }
            }
        }
    }
}
