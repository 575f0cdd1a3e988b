//! What holds for every conversation over every link: no panic, no handshake that stays, and a client that begins anew
//! gets in.

use std::{collections::VecDeque, time::Duration};

use dtls::{Connect, Suite};

use crate::{
    script::Script,
    simulation::{DELAY, Datagram, IDENTITY, KEY, Link, Pair, psk},
};

/// Reads the bytes as what happens: verbs of both callers, time, restarts, datagrams of others, and what the link does.
pub(crate) fn hold(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut pair = Pair::new();
    let mut fates: VecDeque<u8> = script.bytes().iter().copied().collect();
    pair.link.fate = Box::new(move |_, _| match fates.pop_front().unwrap_or(7) % 8 {
        0 => vec![],
        1 => vec![DELAY, 3 * DELAY],
        2 => vec![40 * DELAY],
        _ => vec![DELAY],
    });
    while let Some(verb) = script.byte() {
        act(&mut pair, verb, &mut script);
    }
    pair.link = Link::good();
    pair.run(130);
    assert_eq!(pair.client.endpoint.usage().handshakes, 0);
    assert_eq!(pair.server.endpoint.usage().handshakes, 0);
    pair.restart_client();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(10);
    assert_eq!(pair.client.caller.failures, []);
    pair.assert_talks();
}

fn act(pair: &mut Pair, verb: u8, script: &mut Script<'_>) {
    match verb % 9 {
        0 => {
            let at = usize::from(script.byte().unwrap_or(0));
            let suite = Suite::ALL[at % Suite::ALL.len()];
            let key = if at & 64 == 0 { KEY } else { b"another" };
            let resume = pair.client.caller.connected.last().and_then(|id| pair.client.endpoint.save(*id));
            let resume = resume.filter(|_| at & 32 == 0);
            let connection_id = at & 16 == 0;
            // Those that sign go with no key: the handshake fails at once.
            pair.connect(Connect { suites: vec![suite], connection_id, resume, ..psk(IDENTITY, key) });
        }
        1 => pair.run_for(Duration::from_millis(u64::from(script.byte().unwrap_or(1)) * 100)),
        2 => {
            if let Some(id) = pair.client.caller.connected.last() {
                // It may be over, or not reserved.
                let _ = pair.client.endpoint.send(pair.now, *id, script.bytes());
            }
        }
        3 => {
            if let Some(id) = pair.server.caller.connected.last() {
                let _ = pair.server.endpoint.send(pair.now, *id, script.bytes());
            }
        }
        4 => pair.restart_client(),
        5 => {
            if let Some(id) = pair.client.caller.connected.last() {
                pair.client.endpoint.end(pair.now, *id);
            }
        }
        6 => pair.inject(pair.client.address, script.bytes()),
        7 => {
            let (from, to) = (pair.server.address, pair.client.address);
            pair.deliver(Datagram { from, to, bytes: script.bytes().to_vec() });
        }
        _ => {
            // Something that was sent comes again, perhaps with another byte somewhere.
            let which = usize::from(script.byte().unwrap_or(0));
            let (at, change) = (script.byte().unwrap_or(0), script.byte().unwrap_or(0));
            if let Some(sent) = pair.seen.len().checked_sub(1 + which % 32).map(|at| pair.seen[at].clone()) {
                let mut again = sent;
                let at = usize::from(at) % again.bytes.len();
                again.bytes[at] ^= change;
                pair.deliver(again);
            }
        }
    }
    pair.drain();
}
