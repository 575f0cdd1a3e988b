//! What holds for every handshake message of a peer that has shown its address: no panic, nothing that stays, and the next
//! peer gets in.

use std::sync::OnceLock;

use dtls::{Connect, Suite};

use crate::{
    pki::{Pki, Proof},
    script::Script,
    simulation::{Datagram, IDENTITY, KEY, Link, Pair, address, known, psk},
};

/// Plays the bytes as handshake messages in the clear, to the server or to the client.
pub(crate) fn play(bytes: &[u8]) {
    static PKI: OnceLock<Pki> = OnceLock::new();
    let pki = PKI.get_or_init(Pki::new);
    let mut pair = Pair::with(pki.config());
    pair.server.endpoint.set_trust(pki.trust());
    pair.server.caller.lets_in = Some(known(None));
    let mut script = Script(bytes);
    let mode = script.byte().unwrap_or(0);
    if mode & 1 == 0 {
        to_server(&mut pair, &mut script)
    } else {
        to_client(&mut pair, &mut script, mode, pki)
    }
    pair.run(130);
    for side in [&pair.client, &pair.server] {
        let usage = side.endpoint.usage();
        assert_eq!([usage.handshakes, usage.networks, usage.sessions, usage.outputs], [0; 4]);
    }
    pair.link = Link::good();
    let failures = pair.client.caller.failures.len();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(10);
    assert_eq!(pair.client.caller.failures.len(), failures);
    pair.assert_talks();
}

/// Says hello with suites and extensions of the script's, twice, and goes on as it says.
fn to_server(pair: &mut Pair, script: &mut Script<'_>) {
    let from = address("203.0.113.9:9");
    let behind = match script.bytes() {
        // A suite that goes without extensions, and one that signs.
        [] => vec![0, 2, 0xc0, 0xa8, 1, 0],
        [1] => vec![0, 2, 0xc0, 0xae, 1, 0],
        [2] => vec![0, 2, 0xd0, 0x03, 1, 0],
        other => other.to_vec(),
    };
    let hello = |cookie: &[u8]| {
        let length = u8::try_from(cookie.len()).unwrap();
        [&[0xfe, 0xfd][..], &[9; 32], &[0, length], cookie, &behind].concat()
    };
    pair.inject(from, &record(0, 1, 0, &hello(&[])));
    let Some(asked) = pair.seen.last().filter(|sent| sent.to == from && sent.bytes.len() == 44) else {
        return;
    };
    let cookie = asked.bytes[28..].to_vec();
    pair.inject(from, &record(1, 1, 1, &hello(&cookie)));
    let (mut number, mut sequence) = (2, 2);
    while let Some(kind) = script.byte() {
        pair.inject(from, &record(number, kind, sequence, script.bytes()));
        (number, sequence) = (number + 1, sequence + 1);
    }
}

/// Answers a client's hello as the script says.
fn to_client(pair: &mut Pair, script: &mut Script<'_>, mode: u8, pki: &Pki) {
    pair.link = Link { fate: Box::new(|_, _| Vec::new()) };
    let connect = match mode >> 1 & 3 {
        0 => psk(IDENTITY, KEY),
        1 => Connect { suites: vec![Suite::EcdhePskAes128GcmSha256], ..psk(IDENTITY, KEY) },
        2 => pki.connect(Proof::RawPublicKey),
        _ => pki.connect(Proof::Certificate),
    };
    pair.connect(connect);
    let (from, to) = (pair.server.address, pair.client.address);
    let (mut number, mut sequence) = (0, 0);
    while let Some(kind) = script.byte() {
        pair.deliver(Datagram { from, to, bytes: record(number, kind, sequence, script.bytes()) });
        // A HelloVerifyRequest and the ServerHello behind it: the number is the ClientHello's each time.
        sequence = if kind == 3 { 1 } else { sequence + 1 };
        number += 1;
    }
}

/// A message in one record in the clear.
fn record(number: u64, kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[kind][..], &len[1..], &sequence.to_be_bytes(), &[0; 3], &len[1..], body].concat();
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 0xfe, 0xfd][..], &number.to_be_bytes(), &length, &message].concat()
}
