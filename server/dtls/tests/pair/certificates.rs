//! What is said of certificates that an authority would not stand for.

use std::time::Duration;

use dtls::{Alert, Claim, Connect, Offer, Reason, ServerIdentity, SigningKey, Suite, Trust, Untrusted};
use rcgen::{KeyPair, SerialNumber, date_time_ymd};
use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

use crate::{
    pki::{Pki, Proof, named, signing_key},
    simulation::{IDENTITY, KEY, Pair, TODAY, known, psk},
};

#[test]
fn a_certificate_is_judged_and_its_holder_told_why() {
    let pki = Pki::new();
    let mut expired = named("node-7.example");
    expired.not_after = date_time_ymd(2025, 12, 1);
    let mut early = named("node-7.example");
    early.not_before = date_time_ymd(2026, 12, 1);
    let mut revoked = named("node-7.example");
    revoked.serial_number = Some(SerialNumber::from_slice(&[9]));
    let trust_less_nine = || Trust::new([(&*pki.authority_der, Some(&*pki.revocation_list(9)))]).unwrap();

    let (why, told) = verdict(&pki, pki.trust(), pki.offer(expired));
    assert!(matches!(why, Untrusted::Expired { not_after: 1_764_547_200, .. }), "{why:?}");
    assert_eq!(told, Reason::AlertReceived(Alert::CERTIFICATE_EXPIRED));
    let (why, _) = verdict(&pki, pki.trust(), pki.offer(early));
    assert!(matches!(why, Untrusted::NotYetValid { .. }), "{why:?}");
    let (why, told) = verdict(&pki, Trust::default(), pki.offer(named("node-7.example")));
    assert_eq!(why, Untrusted::UnknownIssuer);
    assert_eq!(told, Reason::AlertReceived(Alert::UNKNOWN_CA));
    let (why, told) = verdict(&pki, trust_less_nine(), pki.offer(revoked));
    assert_eq!(why, Untrusted::Revoked);
    assert_eq!(told, Reason::AlertReceived(Alert::CERTIFICATE_REVOKED));
}

#[test]
fn a_revocation_list_leaves_the_others_alone() {
    let pki = Pki::new();
    let mut pair = Pair::with(pki.config());
    let trust = Trust::new([(&*pki.authority_der, Some(&*pki.revocation_list(9)))]).unwrap();
    pair.server.endpoint.set_trust(trust);
    pair.server.caller.lets_in = Some(known(None));
    pair.connect(pki.connect(Proof::Certificate));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn a_client_that_does_not_hold_its_key_is_refused_before_anybody_is_asked() {
    let pki = Pki::new();
    let own = named("node-7.example").signed_by(&pki.device_pair, &pki.authority).unwrap();
    let stolen = Offer::Certificate {
        chain: vec![own.der().to_vec()],
        key: signing_key(&KeyPair::generate().unwrap()),
        server: pki.server_chain[0].clone(),
    };
    let mut pair = Pair::with(pki.config());
    pair.server.endpoint.set_trust(pki.trust());
    pair.connect(Connect { offer: stolen, ..psk(IDENTITY, KEY) });
    pair.run(5);
    assert_eq!(pair.server.caller.claims, []);
    assert_eq!(pair.server.caller.failures[0].reason, Reason::WrongSignature);
    assert_eq!(pair.client.caller.failures[0].reason, Reason::AlertReceived(Alert::DECRYPT_ERROR));
}

#[test]
fn a_server_of_pre_shared_keys_alone_says_which_suites_were_offered() {
    let pki = Pki::new();
    let mut pair = Pair::new();
    pair.connect(pki.connect(Proof::RawPublicKey));
    pair.run(5);
    let failure = &pair.server.caller.failures[0];
    assert_eq!(failure.reason, Reason::NoCommonSuite);
    assert!(failure.offered.contains(&(Suite::EcdheEcdsaAes128Ccm8 as u16)));
    assert_eq!(pair.client.caller.failures[0].reason, Reason::AlertReceived(Alert::HANDSHAKE_FAILURE));
}

#[test]
fn what_is_no_certificate_makes_no_trust() {
    assert!(Trust::new([(&b"no certificate"[..], None)]).is_err());
    assert!(Trust::new([(&*Pki::new().authority_der, Some(&b"no list"[..]))]).is_err());
    assert!(SigningKey::from_pkcs8(b"no key", &SystemRandom::new()).is_err());
}

#[test]
fn the_certificate_is_the_one_for_the_name_that_is_asked_for() {
    let pki = Pki::new();
    let pair_of_key = KeyPair::generate().unwrap();
    let other = named("other.example").signed_by(&pair_of_key, &pki.authority).unwrap();
    let other = ServerIdentity {
        names: vec!["other.example".to_owned()],
        chain: vec![other.der().to_vec()],
        key: signing_key(&pair_of_key),
    };
    // The client takes the first server's certificate only.
    for (name, connects) in [
        (None, true),
        (Some("server.example"), true),
        (Some("OTHER.example"), false),
        (Some("else.example"), true),
    ] {
        let mut pair = Pair::new();
        pair.server.endpoint.set_identities(vec![pki.config().identities.remove(0), other.clone()]);
        pair.server.endpoint.set_trust(pki.trust());
        pair.server.caller.lets_in = Some(known(None));
        let server_name = name.map(str::to_owned);
        pair.connect(Connect { server_name, ..pki.connect(Proof::Certificate) });
        pair.run(5);
        let wrong = pair.client.caller.failures.iter().any(|failure| failure.reason == Reason::WrongServer);
        assert_eq!((!pair.client.caller.connected.is_empty(), wrong), (connects, !connects), "{name:?}");
    }
}

/// What the server finds of a client with that certificate, and what the client is told.
fn verdict(pki: &Pki, trust: Trust, offer: Offer) -> (Untrusted, Reason) {
    let mut pair = Pair::with(pki.config());
    pair.server.endpoint.set_trust(trust);
    pair.server.caller.lets_in = Some(known(None));
    pair.connect(Connect { offer, ..psk(IDENTITY, KEY) });
    pair.run(5);
    assert!(pair.server.caller.connected.is_empty());
    let Some(Claim::Certificate { trusted: Err(why), .. }) = pair.server.caller.claims.pop() else {
        panic!("nobody was asked")
    };
    assert_eq!(pair.server.caller.failures[0].reason, Reason::Refused(why.alert()));
    (why, pair.client.caller.failures[0].reason.clone())
}

#[test]
fn authorities_of_one_name_have_each_their_own_list() {
    // The name of an authority whose key was renewed stays.
    let (one, other) = (Pki::new(), Pki::new());
    let (list, of_other) = (one.revocation_list(9), other.revocation_list(1));
    let certificates = [numbered(&one, 9), numbered(&one, 8), numbered(&other, 9)];
    let at = UnixTime::since_unix_epoch(Duration::from_secs(TODAY));
    for twins in [
        [(&*one.authority_der, Some(&*list)), (&*other.authority_der, None)],
        [(&*one.authority_der, Some(&*list)), (&*other.authority_der, Some(&*of_other))],
        [(&*other.authority_der, Some(&*of_other)), (&*one.authority_der, Some(&*list))],
    ] {
        let trust = Trust::new(twins).unwrap();
        let verdicts = certificates.each_ref().map(|chain| trust.verify(chain, at));
        assert_eq!(verdicts, [Err(Untrusted::Revoked), Ok(()), Ok(())]);
    }
}

/// A certificate of this serial number.
fn numbered(pki: &Pki, serial: u8) -> Vec<Vec<u8>> {
    let mut params = named("node-7.example");
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    let Offer::Certificate { chain, .. } = pki.offer(params) else { panic!("it offers a certificate") };
    chain
}
