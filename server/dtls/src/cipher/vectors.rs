//! Records that were made by an independent implementation (the ciphers of pyca/cryptography, the rest by hand from the RFCs):
//! what comes here of the same pre-shared key, and opens.

use hex_literal::hex;
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    prf::psk_premaster,
    record::{self, APPLICATION_DATA},
};

struct Vector {
    suite: Suite,
    encrypt_then_mac: bool,
    cid: &'static [u8],
    record: &'static [u8],
}

#[test]
fn records_of_another_implementation_open_and_come_out_the_same() {
    let premaster = psk_premaster(&hex!("000102030405060708090a0b0c0d0e0f"), None);
    let (client_random, server_random) = ([0xc1; 32], [0x51; 32]);
    let transcript = hex!("54e6289e14c7b0e7ad9acc2dfc4c1e3d027d0eef7f5c4c3fe7c292761d0e06a6");
    let master = MasterSecret::derive_extended(&premaster, &transcript);
    for Vector { suite, encrypt_then_mac, cid, record } in VECTORS {
        let [client, server] = [Side::Client, Side::Server]
            .map(|side| Keys::derive(suite, encrypt_then_mac, side, &master, &client_random, &server_random));
        let mut datagram = record.to_vec();
        let opened = server.open(record::next(&mut &mut datagram[..], cid.len()).unwrap());
        assert_eq!(opened, Some((APPLICATION_DATA, &mut PLAINTEXT.to_vec()[..])), "{suite:?}");
        // CBC takes another IV, and no more padding than it must.
        if suite.protection() != Protection::Cbc {
            let place = Place { kind: APPLICATION_DATA, epoch: 1, sequence: 0xa1b2_c3d4, cid };
            let mut sealed = Vec::new();
            client.seal(place, PLAINTEXT, &mut StdRng::seed_from_u64(1), &mut sealed);
            assert_eq!(sealed, record, "{suite:?}");
        }
    }
}

const PLAINTEXT: &[u8] = br#"{"e":[{"n":"5700","v":21.5}]}"#;

const VECTORS: [Vector; 15] = [
    Vector {
        suite: Suite::EcdhePskAes128Ccm8Sha256,
        encrypt_then_mac: false,
        cid: &hex!(""),
        record: &hex!(
            "17 fefd 0001 0000a1b2c3d4 002d 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7d1ec231 c0ef681f55"
        ),
    },
    Vector {
        suite: Suite::EcdhePskAes128Ccm8Sha256,
        encrypt_then_mac: false,
        cid: &hex!("0102030405060708"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 0102030405060708 002e 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7dcb0b63 b837460afa02"
        ),
    },
    Vector {
        suite: Suite::EcdhePskAes128Ccm8Sha256,
        encrypt_then_mac: false,
        cid: &hex!("aa"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 aa 002e 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7dcb332a 5dff3bfcdf32"
        ),
    },
    Vector {
        suite: Suite::PskAes128Ccm,
        encrypt_then_mac: false,
        cid: &hex!(""),
        record: &hex!(
            "17 fefd 0001 0000a1b2c3d4 0035 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7de9f790"
            "013ee1656642a22c567107299c"
        ),
    },
    Vector {
        suite: Suite::PskAes128Ccm,
        encrypt_then_mac: false,
        cid: &hex!("0102030405060708"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 0102030405060708 0036 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7dcb8ed4"
            "b9a5bcd218c5faa8afabc3d8b25c"
        ),
    },
    Vector {
        suite: Suite::PskAes128Ccm,
        encrypt_then_mac: false,
        cid: &hex!("aa"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 aa 0036 00010000a1b2c3d4"
            "ebc27ef3d9687e57c96e2f216aa8175196cab0e0fe1120156408b8bc7dcbd74b"
            "24a02f9dc7876040da07ab17fd32"
        ),
    },
    Vector {
        suite: Suite::EcdheEcdsaAes128GcmSha256,
        encrypt_then_mac: false,
        cid: &hex!(""),
        record: &hex!(
            "17 fefd 0001 0000a1b2c3d4 0035 00010000a1b2c3d4"
            "971cbb35869a3e25696bc6baef14fa404623208dc17207ae475fb77edc315483"
            "563c56f8e3123a3131f3027a0e"
        ),
    },
    Vector {
        suite: Suite::EcdheEcdsaAes128GcmSha256,
        encrypt_then_mac: false,
        cid: &hex!("0102030405060708"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 0102030405060708 0036 00010000a1b2c3d4"
            "971cbb35869a3e25696bc6baef14fa404623208dc17207ae475fb77edcbc272c"
            "5883f0f53d87023f3a9d394d8049"
        ),
    },
    Vector {
        suite: Suite::EcdheEcdsaAes128GcmSha256,
        encrypt_then_mac: false,
        cid: &hex!("aa"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 aa 0036 00010000a1b2c3d4"
            "971cbb35869a3e25696bc6baef14fa404623208dc17207ae475fb77edcbc311a"
            "df4f8c5523785043e2a3520ea2ce"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: false,
        cid: &hex!(""),
        record: &hex!(
            "17 fefd 0001 0000a1b2c3d4 0050 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76fc0fc53ab32807faac39184ba06ba3fce"
            "373ca10d532c2dfed90fae571f5038d3be50dd8534d92a105e8e1cf3b1f48c33"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: false,
        cid: &hex!("0102030405060708"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 0102030405060708 0070 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76f6700d117f20dc5d421dbd94a834163a4"
            "2b9a08aa50bd3a59eeeeb4c3ef15e54cb0cd1eabb6e67efa590de3ae11b1b28a"
            "3ff91e8da385b8ac1558a38ce09a68becf0e156680ae9c8dc053aa4497333279"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: false,
        cid: &hex!("aa"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 aa 0070 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76ffb05d118bb90902c4b0cacf4435d16d5"
            "165ebdf1c53f127cea2544acaed172b5667d10b7cd83997d76e4917d10f33ddc"
            "92e8f7201ddbc6b559279071efd9ece537b68ab9de15e778b63026b052057d84"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: true,
        cid: &hex!(""),
        record: &hex!(
            "17 fefd 0001 0000a1b2c3d4 0050 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76f87ef334d69cb8df3366180171c91f019"
            "e245cea14c8152794c6af8693439e7307a94d2cd12aae6ad53e3baa42fc20632"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: true,
        cid: &hex!("0102030405060708"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 0102030405060708 0070 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76f858e7b5a023b2175aea02f41bdc30ea1"
            "cd14d0f7653403317e74096796f8e591b36f8efd63497f134eeacf8f323e682b"
            "4d884aedbe19bf5761b2a2d418b8000d351f0a19a76a7498ffb9eabc22821af1"
        ),
    },
    Vector {
        suite: Suite::PskAes128CbcSha256,
        encrypt_then_mac: true,
        cid: &hex!("aa"),
        record: &hex!(
            "19 fefd 0001 0000a1b2c3d4 aa 0070 404142434445464748494a4b4c4d4e4f"
            "4704d8ddd6d1d61f51ce34ed5b90a76f858e7b5a023b2175aea02f41bdc30ea1"
            "cd14d0f7653403317e74096796f8e591b36f8efd63497f134eeacf8f323e682b"
            "f594b2d075111a31d909412074d49fdb0181bebacb790af757279542c50909a1"
        ),
    },
];
