//! Round trips of every message, and hellos that are cut or lie.

use hex_literal::hex;
use proptest::prelude::*;

use super::{captured, *};
use crate::{Suite, cipher::Side, suite::KeyExchange};

/// The body of a captured ClientHello.
fn body(message: &[u8]) -> &[u8] {
    let mut rest = message;
    let fragment = Fragment::next(&mut rest).unwrap().unwrap();
    assert!(rest.is_empty() && fragment.is_whole() && fragment.header.kind == kind::CLIENT_HELLO);
    fragment.bytes
}

/// A ClientHello that has such extensions, bytes and all.
fn with_extensions(block: &[u8]) -> Vec<u8> {
    let fixed =
        hex!("fefd 0101010101010101010101010101010101010101010101010101010101010101 00 00 0002 c0a8 01 00");
    [&fixed[..], block].concat()
}

fn extension_error(block: &[u8]) -> &'static str {
    ClientHello::parse(&with_extensions(block)).unwrap_err().what
}

#[test]
fn a_client_hello_of_openssl_is_understood() {
    let hello = ClientHello::parse(body(&captured::OPENSSL_ECDSA)).unwrap();
    assert_eq!(hello.suites().collect::<Vec<_>>(), [0xc0ae, 0x00ff]);
    assert!(hello.offers(Suite::EcdheEcdsaAes128Ccm8) && !hello.offers(Suite::PskAes128Ccm8));
    assert!(hello.knows_renegotiation_info());
    let extensions = &hello.extensions;
    assert_eq!(extensions.server_name, Some("localhost"));
    let groups = extensions.groups.unwrap();
    assert!(lists(groups, Group::X25519 as u16) && lists(groups, Group::Secp256r1 as u16));
    assert!(extensions.has_signature(ECDSA_SHA256) && !extensions.has_signature(0x0a0a));
    assert!(extensions.extended_master_secret && extensions.encrypt_then_mac);
    // session_ticket.
    assert!(extensions.unknown);
    assert_eq!((extensions.connection_id, extensions.max_fragment), (None, None));
}

#[test]
fn client_hellos_of_scandium_tinydtls_and_mbedtls_are_understood() {
    let hello = ClientHello::parse(body(&captured::SCANDIUM)).unwrap();
    assert_eq!(hello.extensions.connection_id, Some(&hex!("c35e98261b95")[..]));
    assert!(hello.extensions.extended_master_secret && hello.offers(Suite::EcdhePskAes128Ccm8Sha256));
    let hello = ClientHello::parse(body(&captured::TINYDTLS)).unwrap();
    assert_eq!(hello.suites().collect::<Vec<_>>(), [Suite::PskAes128Ccm8 as u16]);
    assert!(!hello.knows_renegotiation_info() && hello.extensions.extended_master_secret);
    let hello = ClientHello::parse(body(&captured::MBEDTLS)).unwrap();
    assert!(Suite::ALL.into_iter().filter(|suite| hello.offers(*suite)).count() >= 9);
}

#[test]
fn what_is_before_and_behind_the_cookie_is_all_but_the_cookie() {
    for message in captured::ALL {
        let body = body(message);
        let hello = ClientHello::parse(body).unwrap();
        let [before, behind] = hello.around_cookie;
        assert_eq!([before, &[0], behind].concat(), body);
        // Much less than all of it is enough for the start.
        let start = ClientHelloStart::parse(&body[..before.len() + 1]).unwrap();
        assert_eq!((start.before_cookie, start.cookie, start.random), (before, hello.cookie, hello.random));
    }
}

#[test]
fn a_client_hello_that_is_cut_anywhere_is_malformed_but_where_its_extensions_begin() {
    for message in captured::ALL {
        let body = body(message);
        let fixed = 2 + 32 + 1 + 1 + 2 + ClientHello::parse(body).unwrap().suites.len() + 2;
        for len in 0..body.len() {
            assert_eq!(ClientHello::parse(&body[..len]).is_ok(), len == fixed, "cut at {len}");
        }
    }
}

#[test]
fn suites_and_compressions_must_be_lists_that_make_sense() {
    let random = [1; 32];
    let hello = |rest: &[u8]| {
        let body = [&hex!("fefd")[..], &random, &hex!("00 00"), rest].concat();
        ClientHello::parse(&body).map(drop).map_err(|malformed| malformed.what)
    };
    assert_eq!(hello(&hex!("0002 c0a8 01 00")), Ok(()));
    // An odd list, with which tinyDTLS looped for ever.
    assert_eq!(hello(&hex!("0003 c0a8 c0 01 00")), Err("cipher suites"));
    assert_eq!(hello(&hex!("0001 c0 01 00")), Err("cipher suites"));
    assert_eq!(hello(&hex!("0000 01 00")), Err("cipher suites"));
    assert_eq!(hello(&hex!("ffff c0a8 01 00")), Err("cipher suites"));
    assert_eq!(hello(&hex!("0002 c0a8 00")), Err("compression methods"));
    assert_eq!(hello(&hex!("0002 c0a8 01 01")), Err("compression methods"));
    let long = [&hex!("fefd")[..], &random, &[33], &[0; 33], &hex!("00 0002 c0a8 01 00")].concat();
    assert_eq!(ClientHello::parse(&long).unwrap_err().what, "session id");
}

#[test]
fn extensions_that_lie_are_malformed() {
    assert!(ClientHello::parse(&with_extensions(&[])).is_ok());
    assert!(ClientHello::parse(&with_extensions(&hex!("0000"))).is_ok());
    // The block of one byte, with which a task of webrtc-dtls panics.
    assert_eq!(extension_error(&hex!("00")), "extensions");
    assert_eq!(extension_error(&hex!("0001 00")), "extensions");
    assert_eq!(extension_error(&hex!("0004 0017 0001")), "extensions");
    assert_eq!(extension_error(&hex!("0004 0017 0000 00")), "extensions");
    assert_eq!(extension_error(&hex!("0005 0017 0001 00")), "extended_master_secret");
    assert_eq!(extension_error(&hex!("0008 0017 0000 0017 0000")), "extended_master_secret");
    assert_eq!(extension_error(&hex!("000a 0036 0001 00 0036 0001 00")), "connection_id");
    assert_eq!(extension_error(&hex!("0006 000a 0002 0000")), "supported_groups");
    assert_eq!(extension_error(&hex!("0007 000a 0003 0001 00")), "supported_groups");
    assert_eq!(extension_error(&hex!("0006 000b 0002 01 01")), "ec_point_formats");
    assert_eq!(extension_error(&hex!("0005 0001 0001 05")), "max_fragment_length");
    assert_eq!(extension_error(&hex!("0006 001c 0002 003f")), "record_size_limit");
    assert_eq!(extension_error(&hex!("0005 0013 0001 00")), "client_certificate_type");
    // A doubled one that is not known is passed over with its twin.
    assert!(
        ClientHello::parse(&with_extensions(&hex!("0008 0023 0000 0023 0000"))).unwrap().extensions.unknown
    );
}

#[test]
fn a_server_name_is_one_host_name_in_ascii() {
    let name = |list: &[u8]| {
        let mut out = Writer::default();
        out.nested16(|out| {
            out.u16(0);
            out.nested16(|out| out.vec16(list));
        });
        let body = with_extensions(&out.done());
        ClientHello::parse(&body).map(|hello| hello.extensions.server_name.map(str::to_owned))
    };
    let malformed = Err(Malformed { what: "server_name" });
    assert_eq!(name(&hex!("00 0002 6162")), Ok(Some("ab".to_owned())));
    assert_eq!(name(&hex!("07 0001 ff 00 0002 6162")), Ok(Some("ab".to_owned())));
    assert_eq!(name(&hex!("07 0001 ff")), Ok(None));
    assert_eq!(name(&hex!("00 0002 6162 00 0002 6162")), malformed);
    assert_eq!(name(&hex!("00 0000")), malformed);
    assert_eq!(name(&hex!("00 0002 61ff")), malformed);
    assert_eq!(name(&[&hex!("00 0100")[..], &[b'a'; 256]].concat()), malformed);
}

#[test]
fn connection_ids_of_every_length_are_taken() {
    for len in 0..=255 {
        let cid = vec![7; len];
        let extensions = Extensions { connection_id: Some(&cid), ..Extensions::default() };
        let body = ClientHello::write(&[1; 32], &[], &[], &[Suite::PskAes128Ccm8], &extensions);
        assert_eq!(ClientHello::parse(&body).unwrap().extensions.connection_id, Some(&cid[..]));
    }
}

#[test]
fn a_hello_verify_request_is_of_version_1_0_and_smaller_than_any_hello() {
    let body = HelloVerifyRequest { cookie: &[7; 16] }.write();
    assert_eq!(body, hex!("feff 10 07070707070707070707070707070707"));
    assert_eq!(HelloVerifyRequest::parse(&body), Ok(HelloVerifyRequest { cookie: &[7; 16] }));
    let record = 13 + write_message(kind::HELLO_VERIFY_REQUEST, 0, &body).len();
    assert_eq!(record, 44);
    assert!(captured::ALL.iter().all(|hello| record < 13 + hello.len()));
}

#[test]
fn a_server_hello_of_another_version_or_with_compression_is_malformed() {
    let hello =
        ServerHello { random: &[1; 32], session_id: &[], suite: 0xc0a8, extensions: Extensions::default() };
    let body = hello.write();
    assert_eq!(body.len(), 38);
    assert_eq!(ServerHello::parse(&body), Ok(hello));
    let what = |at: usize| {
        let mut body = body.clone();
        body[at] ^= 2;
        ServerHello::parse(&body).unwrap_err().what
    };
    assert_eq!((what(1), what(37)), ("version", "compression method"));
}

#[test]
fn fragments_lie_within_their_message() {
    let next = |bytes: &[u8]| {
        let mut rest = bytes;
        Fragment::next(&mut rest).map(|fragment| fragment.map(|fragment| (fragment.header, rest.len())))
    };
    let header = Header { kind: 11, len: 5, sequence: 3, offset: 2, fragment: 3 };
    assert_eq!(next(&hex!("0b 000005 0003 000002 000003 aabbcc dd")), Ok(Some((header, 1))));
    assert_eq!(next(&[]), Ok(None));
    let lies: [&[u8]; 5] = [
        &hex!("0b 000005 0003 000003 000003 aabbcc"),
        &hex!("0b 000005 0003 ffffff ffffff aabbcc"),
        &hex!("0b 000005 0003 000002 000004 aabbcc"),
        &hex!("0b ffffff 0003 000000 ffffff aabbcc"),
        &hex!("0b 000005 0003 000002 0000"),
    ];
    for lie in lies {
        assert!(next(lie).is_err());
    }
}

#[test]
fn identities_are_of_1_to_128_bytes() {
    let parse = |len: usize| {
        let body = ClientKeyExchange::Psk { identity: &vec![b'i'; len] }.write();
        ClientKeyExchange::parse(KeyExchange::Psk, &body).is_ok()
    };
    assert_eq!([0, 1, 128, 129, 65_535].map(parse), [false, true, true, false, false]);
}

#[test]
fn chains_are_bounded_and_hold_no_empty_certificate() {
    let certificate = vec![0x30; 4];
    for len in 0..=10 {
        let body = write_chain(&vec![certificate.clone(); len]);
        assert_eq!(chain(&body).unwrap(), vec![&certificate[..]; len]);
    }
    assert_eq!(chain(&write_chain(&vec![certificate; 11])).unwrap_err().what, "certificate chain");
    assert_eq!(chain(&hex!("000003 000000")).unwrap_err().what, "certificate");
    assert_eq!(chain(&hex!("000004 000002 30")).unwrap_err().what, "certificate");
    assert_eq!(chain(&hex!("000000 00")).unwrap_err().what, "certificate");
    // Whoever has no raw key says so as if it was a chain.
    assert_eq!(raw_key(&write_chain(&[])), Ok(&[][..]));
    assert_eq!(raw_key(&write_raw_key(&[1, 2])), Ok(&[1, 2][..]));
}

#[test]
fn a_certificate_request_may_name_authorities() {
    let request = CertificateRequest { types: &[ECDSA_SIGN], algorithms: &hex!("0403 0503") };
    assert_eq!(request.write(), hex!("01 40 0004 0403 0503 0000"));
    assert_eq!(CertificateRequest::parse(&request.write()), Ok(request));
    assert_eq!(CertificateRequest::parse(&hex!("01 40 0004 0403 0503 0003 0001 61")), Ok(request));
    assert!(CertificateRequest::parse(&hex!("01 40 0003 0403 05 0000")).is_err());
}

#[test]
fn the_bytes_of_parameters_are_those_that_are_signed() {
    let bytes = EcdhParams::write(Group::X25519, &[9; 32]);
    assert_eq!(bytes[..4], hex!("03 001d 20"));
    let params = EcdhParams { group: Group::X25519, public: &[9; 32], bytes: &bytes };
    let message = ServerKeyExchange::EcdheEcdsa { params, algorithm: ECDSA_SHA256, signature: &[5; 70] };
    assert_eq!(ServerKeyExchange::parse(KeyExchange::EcdheEcdsa, &message.write()), Ok(message));
    let message = ServerKeyExchange::EcdhePsk { hint: b"hint", params };
    assert_eq!(ServerKeyExchange::parse(KeyExchange::EcdhePsk, &message.write()), Ok(message));
    let foreign = hex!("0000 03 0018 01 04");
    let parsed = ServerKeyExchange::parse(KeyExchange::EcdhePsk, &foreign);
    assert_eq!(parsed.unwrap_err().what, "curve");
}

/// An extension block, of either side, with what it points to.
type Parts = (Option<String>, Option<u16>, Option<Vec<u8>>, Option<Vec<u8>>, u8, Option<Vec<u8>>);

fn parts() -> impl Strategy<Value = Parts> {
    let pairs =
        || prop::option::of(prop::collection::vec(any::<[u8; 2]>(), 1..20).prop_map(|list| list.concat()));
    (
        prop::option::of("[a-z0-9.-]{1,255}"),
        prop::option::of(64_u16..),
        pairs(),
        pairs(),
        any::<u8>(),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..=255)),
    )
}

fn extensions(parts: &Parts, from: Side) -> Extensions<'_> {
    let (name, limit, groups, signatures, flags, cid) = parts;
    let types: &[u8] = if from == Side::Client { &[2, 0] } else { &[2] };
    let set = |bit: u8| flags & 1 << bit != 0;
    Extensions {
        server_name: name.as_deref().map(|name| if from == Side::Client { name } else { "" }),
        max_fragment: set(0).then_some(MaxFragment::Bytes1024),
        record_size_limit: *limit,
        groups: groups.as_deref(),
        point_formats: set(1),
        signature_algorithms: signatures.as_deref(),
        client_certificate_types: set(2).then_some(types),
        server_certificate_types: set(3).then_some(types),
        encrypt_then_mac: set(4),
        extended_master_secret: set(5),
        connection_id: cid.as_deref(),
        renegotiation_info: set(6).then_some(&[]),
        unknown: false,
    }
}

proptest! {
    #[test]
    fn client_hellos_are_the_same_again(
        random: [u8; 32],
        session_id in prop::collection::vec(any::<u8>(), 0..=32),
        cookie in prop::collection::vec(any::<u8>(), 0..=255),
        suites in prop::sample::subsequence(Suite::ALL.to_vec(), 0..=11),
        parts in parts(),
    ) {
        let extensions = extensions(&parts, Side::Client);
        let body = ClientHello::write(&random, &session_id, &cookie, &suites, &extensions);
        let hello = ClientHello::parse(&body).unwrap();
        prop_assert_eq!((hello.version, hello.random), (0xfefd, &random));
        prop_assert_eq!((hello.session_id, hello.cookie), (&session_id[..], &cookie[..]));
        prop_assert!(hello.suites().filter_map(Suite::of).eq(suites));
        prop_assert_eq!(hello.extensions, extensions);
        let [before, behind] = hello.around_cookie;
        let cookie = [&[u8::try_from(cookie.len()).unwrap()], &cookie[..]].concat();
        prop_assert_eq!([before, &cookie, behind].concat(), body);
    }

    #[test]
    fn server_hellos_are_the_same_again(
        random: [u8; 32],
        session_id in prop::collection::vec(any::<u8>(), 0..=32),
        suite: u16,
        parts in parts(),
    ) {
        let extensions = extensions(&parts, Side::Server);
        let hello = ServerHello { random: &random, session_id: &session_id, suite, extensions };
        let body = hello.write();
        prop_assert_eq!(ServerHello::parse(&body), Ok(hello));
    }

    #[test]
    fn key_exchanges_and_proofs_are_the_same_again(
        identity in prop::collection::vec(any::<u8>(), 1..=128),
        public in prop::collection::vec(any::<u8>(), 1..=255),
        signature in prop::collection::vec(any::<u8>(), 0..=300),
        algorithm: u16,
    ) {
        let (identity, public) = (&identity[..], &public[..]);
        for (exchange, message) in [
            (KeyExchange::Psk, ClientKeyExchange::Psk { identity }),
            (KeyExchange::EcdhePsk, ClientKeyExchange::EcdhePsk { identity, public }),
            (KeyExchange::EcdheEcdsa, ClientKeyExchange::EcdheEcdsa { public }),
        ] {
            let body = message.write();
            prop_assert_eq!(ClientKeyExchange::parse(exchange, &body), Ok(message));
        }
        let verify = CertificateVerify { algorithm, signature: &signature };
        let body = verify.write();
        prop_assert_eq!(CertificateVerify::parse(&body), Ok(verify));
        let hint = ServerKeyExchange::Psk { hint: identity };
        let body = hint.write();
        prop_assert_eq!(ServerKeyExchange::parse(KeyExchange::Psk, &body), Ok(hint));
    }

    #[test]
    fn no_bytes_upset_a_parser(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ClientHello::parse(&bytes);
        let _ = ServerHello::parse(&bytes);
        let _ = HelloVerifyRequest::parse(&bytes);
        let _ = chain(&bytes);
        let _ = raw_key(&bytes);
        let _ = CertificateRequest::parse(&bytes);
        let _ = CertificateVerify::parse(&bytes);
        for exchange in [KeyExchange::Psk, KeyExchange::EcdhePsk, KeyExchange::EcdheEcdsa] {
            let _ = ServerKeyExchange::parse(exchange, &bytes);
            let _ = ClientKeyExchange::parse(exchange, &bytes);
        }
        let mut rest = &bytes[..];
        while let Ok(Some(fragment)) = Fragment::next(&mut rest) {
            prop_assert!(fragment.header.offset + fragment.bytes.len() <= fragment.header.len);
        }
    }

    /// A real hello with any bytes changed is a hello or malformed.
    #[test]
    fn hellos_with_changed_bytes_upset_nobody(
        which in 0..captured::ALL.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut body = body(captured::ALL[which]).to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(hello) = ClientHello::parse(&body) {
            prop_assert!(hello.suites.len() >= 2 && hello.suites.len().is_multiple_of(2));
        }
    }
}
