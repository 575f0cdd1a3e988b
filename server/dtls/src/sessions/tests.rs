//! The table against a list that is searched from end to end.

use proptest::prelude::*;

use super::*;
use crate::{
    Suite,
    cipher::{Keys, Side},
    prf::MasterSecret,
    session::Beginning,
};

/// What a naive table holds: sessions in order of beginning.
#[derive(Default)]
struct Model(Vec<Row>);

#[derive(Clone, Copy)]
struct Row {
    id: SessionId,
    tag: Tag,
    address: Option<SocketAddr>,
    heard: (Duration, usize),
}

#[derive(Clone, Debug)]
enum Step {
    Insert { tag: u64, port: u16 },
    InsertWithoutAddress { tag: u64, port: u16 },
    Settle { nth: usize, port: u16 },
    Touch { nth: usize },
    Remove { nth: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (tag, port, nth) = (0..5_u64, 0..12_u16, any::<usize>());
    prop_oneof![
        3 => (tag.clone(), port.clone()).prop_map(|(tag, port)| Step::Insert { tag, port }),
        1 => (tag, port.clone()).prop_map(|(tag, port)| Step::InsertWithoutAddress { tag, port }),
        2 => (nth, port).prop_map(|(nth, port)| Step::Settle { nth, port }),
        3 => nth.prop_map(|nth| Step::Touch { nth }),
        2 => nth.prop_map(|nth| Step::Remove { nth }),
    ]
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn session(id: SessionId, tag: Tag, peer: SocketAddr) -> Session {
    let master = MasterSecret::derive(b"premaster", &[1; 32], &[2; 32]);
    let keys = Keys::derive(Suite::PskAes128Ccm8, false, Side::Server, &master, &[1; 32], &[2; 32]);
    Session::new(
        Duration::ZERO,
        Beginning {
            id,
            tag,
            shared: false,
            peer,
            keys,
            peer_cid: &[],
            own_cid: true,
            max_plaintext: 1_024,
            reserved: 256,
        },
    )
}

impl Model {
    fn take_address(&mut self, id: SessionId, at: SocketAddr) -> Option<SessionId> {
        let displaced = self.0.iter_mut().find(|row| row.address == Some(at) && row.id != id);
        let displaced = displaced.map(|row| {
            row.address = None;
            row.id
        });
        let row = self.0.iter_mut().find(|row| row.id == id).unwrap();
        row.address = Some(at);
        displaced
    }

    fn of_tag(&self, tag: Tag) -> Vec<SessionId> {
        self.0.iter().filter(|row| row.tag == tag).map(|row| row.id).collect()
    }
}

proptest! {
    #[test]
    fn the_table_is_a_list_that_is_searched(steps in prop::collection::vec(step(), 0..120)) {
        let mut table = Sessions::new(7);
        let mut model = Model::default();
        for (count, step) in steps.into_iter().enumerate() {
            let now = Duration::from_millis(count as u64 / 2);
            let nth = |nth: usize, model: &Model| model.0.get(nth % model.0.len().max(1)).map(|row| row.id);
            match step {
                Step::Insert { tag, port } | Step::InsertWithoutAddress { tag, port } => {
                    let (id, tag) = (SessionId(count as u64), Tag(tag));
                    let mut new = session(id, tag, address(port));
                    new.set_heard(now);
                    model.0.push(Row { id, tag, address: None, heard: (now, count) });
                    if matches!(step, Step::Insert { .. }) {
                        prop_assert_eq!(table.insert(new), model.take_address(id, address(port)));
                    } else {
                        table.insert_without_address(new);
                    }
                }
                Step::Settle { nth: n, port } => if let Some(id) = nth(n, &model) {
                    prop_assert_eq!(table.settle(id, address(port)), model.take_address(id, address(port)));
                    prop_assert_eq!(table.get(id).unwrap().peer(), address(port));
                }
                Step::Touch { nth: n } => if let Some(id) = nth(n, &model) {
                    table.touch(id, now);
                    model.0.iter_mut().find(|row| row.id == id).unwrap().heard = (now, count);
                }
                Step::Remove { nth: n } => if let Some(id) = nth(n, &model) {
                    prop_assert_eq!(table.remove(id).unwrap().id, id);
                    prop_assert!(table.remove(id).is_none());
                    model.0.retain(|row| row.id != id);
                }
            }
            prop_assert_eq!(table.len(), model.0.len());
            for row in &model.0 {
                let session = table.get_mut(row.id).unwrap();
                prop_assert_eq!((session.id, session.tag, session.heard()), (row.id, row.tag, row.heard.0));
            }
            for port in 0..12 {
                let there = model.0.iter().find(|row| row.address == Some(address(port)));
                prop_assert_eq!(table.at(address(port)), there.map(|row| row.id));
            }
            for tag in (0..5).map(Tag) {
                let all = model.of_tag(tag);
                for max in 0..4 {
                    let oldest = all.first().copied().filter(|_| max > 0 && all.len() >= max);
                    prop_assert_eq!(table.oldest_of_full_tag(tag, max), oldest);
                }
                prop_assert_eq!(table.of_tag(tag).collect::<Vec<_>>(), all);
            }
            let stalest = model.0.iter().min_by_key(|row| row.heard);
            prop_assert_eq!(table.stalest().map(|session| session.id), stalest.map(|row| row.id));
        }
    }
}

#[test]
fn slots_are_used_again_over_many_chunks() {
    let mut table = Sessions::new(7);
    for round in 0..3 {
        for n in 0..3_000 {
            let id = SessionId(round << 32 | n);
            let at = SocketAddr::from(([192, 0, (n >> 8) as u8, n as u8], 5_684));
            assert_eq!(table.insert(session(id, Tag(n), at)), None);
        }
        for n in 0..3_000 {
            assert!(table.remove(SessionId(round << 32 | n)).is_some());
        }
        assert_eq!((table.len(), table.stalest().is_none()), (0, true));
    }
    assert_eq!(table.slots.chunks(), 3);
}

#[test]
fn a_session_is_small() {
    const { assert!(size_of::<Session>() <= 184) };
    const { assert!(Slots::SLOT_BYTES <= 200) };
}
