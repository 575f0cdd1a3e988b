//! What holds for every datagram that reaches a live session and was not made with its keys: it changes nothing.

use crate::{
    script::Script,
    simulation::{Datagram, IDENTITY, KEY, Pair, address, psk},
};

/// Plays the bytes as datagrams, to either side, from its peer's address or another; some are recorded ones with changes.
pub(crate) fn feed(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut pair = Pair::new();
    let connection_id = script.byte().is_some_and(|byte| byte % 2 == 0);
    pair.connect(dtls::Connect { connection_id, ..psk(IDENTITY, KEY) });
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
    let protected: Vec<_> = pair.seen.iter().filter(|sent| sent.bytes[3..5] == [0, 1]).cloned().collect();
    let received = [pair.client.caller.received.len(), pair.server.caller.received.len()];
    while let Some(verb) = script.byte() {
        let (near, far) = (pair.client.address, pair.server.address);
        let (from, to) = if verb & 1 == 0 { (near, far) } else { (far, near) };
        let from = if verb & 2 == 0 { from } else { address("203.0.113.9:9") };
        let mut bytes = script.bytes().to_vec();
        if verb & 4 != 0 {
            let recorded = &protected[usize::from(verb >> 3) % protected.len()].bytes;
            bytes = changed(recorded, &bytes);
        }
        pair.deliver(Datagram { from, to, bytes });
    }
    for side in [&pair.client, &pair.server] {
        let usage = side.endpoint.usage();
        assert_eq!((usage.handshakes, usage.sessions), (0, 1));
        assert_eq!((&side.caller.ended[..], &side.caller.moved[..]), (&[][..], &[][..]));
    }
    assert_eq!(received, [pair.client.caller.received.len(), pair.server.caller.received.len()]);
    pair.assert_talks();
}

/// A record with other bytes from somewhere on; with none, as it was.
fn changed(recorded: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = recorded.to_vec();
    if let Some((at, changes)) = changes.split_first() {
        let at = usize::from(*at) % bytes.len();
        for (byte, change) in bytes[at..].iter_mut().zip(changes) {
            *byte ^= change;
        }
    }
    bytes
}
