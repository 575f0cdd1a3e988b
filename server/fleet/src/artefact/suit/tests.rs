use coset::cbor::Value;
use uuid::Uuid;

use super::*;
use crate::{Fingerprint, UpdateKey, artefact::kit::*, credential::hex::from_hex};

/// Example 0 of draft-ietf-suit-manifest-37, Appendix B, with its COSE authentication object.
const EXAMPLE: &str = "d86ba2025873825824822f58206658ea560262696dd1f13b782239a064da7c6c5cbaf52fded428a6fc83c7e5af584ad28443a1\
    0126a0f65840408d0816f9b510749bf6a51b066951e08a4438f849eb092a1ac768eed9de696c1b1dd35d82ef149e6a73a61976ad2cfe78\
    444b8064293350a122f332cb49f0da035871a50101020003585fa202818141000458568614a40150fa6b4a53d5ad5fdfbe9de663e4d41f\
    fe02501492af1425695e48bf429b2d51f2ab45035824822f582000112233445566778899aabbccddeeff0123456789abcdeffedcba9876\
    543210 0e1987d0010f020f074382030f0943821702";
/// The public key of its author.
const EXAMPLE_KEY: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200048496811aae0baaabd26157189eecda26beaa8bf11b6f\
    3fe6e2b5659c85dbc0ad3b1f2a4b6c098131c0a36dacd1d78bd381dcdfb09c052db33991db7338b4a896";

pub(crate) fn outline(envelope: &[u8]) -> Result<Outline, SuitError> {
    let mut walk = Walk::new(envelope.len() as u64);
    while let Some(wanted) = walk.wants() {
        walk.next(part(envelope, wanted))?;
    }
    walk.end()
}

fn part(envelope: &[u8], part: Part) -> &[u8] {
    let from = usize::try_from(part.at).unwrap().min(envelope.len());
    let to = from + usize::try_from(part.len).unwrap().min(envelope.len() - from);
    &envelope[from..to]
}

fn example() -> Vec<u8> {
    from_hex(&EXAMPLE.replace(' ', "")).unwrap()
}

fn parsed(manifest: &[u8]) -> Result<SuitManifest, SuitError> {
    SuitManifest::parse(manifest)
}

fn refusal(manifest: &[u8]) -> String {
    parsed(manifest).unwrap_err().to_string()
}

#[test]
fn the_example_of_the_draft_is_read_and_was_signed_by_its_author() {
    let example = example();
    let found = outline(&example).unwrap();
    assert_eq!(found.payloads, []);
    let authentication = Authentication::parse(part(&example, found.authentication)).unwrap();
    let manifest = part(&example, found.manifest);
    assert!(authentication.is_signed() && authentication.is_of(manifest));
    let key = from_hex(EXAMPLE_KEY).unwrap();
    let author = UpdateKey { id: Fingerprint::of(&key), public_key: key, ..Signer::p256().key() };
    let keys = [Signer::ed25519(1).key(), Signer::p256().key(), author.clone()];
    assert_eq!(authentication.signer(&keys), Some(&author));
    assert_eq!(authentication.signer(&keys[..2]), None);
    let digest = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
    let expected = SuitManifest {
        sequence: 0,
        vendor_id: Uuid::parse_str("fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe").unwrap(),
        class_id: Uuid::parse_str("1492af14-2569-5e48-bf42-9b2d51f2ab45").unwrap(),
        digest: Fingerprint::from_hex(digest).unwrap(),
        size: 34_768,
        uri: None,
    };
    assert_eq!(parsed(manifest), Ok(expected));
}

#[test]
fn an_integrated_payload_is_found_where_it_lies() {
    let image = vec![7; 70_000];
    let manifest = suit_manifest(7, parameters(&image));
    let envelope = envelope(&Signer::p256().authentication(&manifest), &manifest, Some(&image));
    let found = outline(&envelope).unwrap();
    let [(name, at)] = &found.payloads[..] else { panic!("{found:?}") };
    assert_eq!((name.as_str(), part(&envelope, *at)), ("#image", &image[..]));
    assert_eq!(parsed(part(&envelope, found.manifest)).unwrap().uri.as_deref(), Some("#image"));
}

#[test]
fn an_envelope_that_is_cut_anywhere_is_malformed() {
    let example = example();
    for end in 0..example.len() {
        assert!(outline(&example[..end]).is_err(), "cut at {end}");
    }
    assert!(outline(&[&example[..], &[0]].concat()).is_err(), "something follows");
}

#[test]
fn a_byte_that_is_turned_anywhere_is_noticed() {
    let (signer, image) = (Signer::ed25519(1), b"image");
    let manifest = suit_manifest(7, parameters(image));
    let whole = envelope(&signer.authentication(&manifest), &manifest, None);
    for place in 0..whole.len() {
        let mut turned = whole.clone();
        turned[place] ^= 1;
        let Ok(found) = outline(&turned) else { continue };
        let Ok(authentication) = Authentication::parse(part(&turned, found.authentication)) else { continue };
        let is_good = authentication.signer(&[signer.key()]).is_some()
            && authentication.is_of(part(&turned, found.manifest));
        // The name of the key in the unprotected header is a hint, which nobody signs.
        let is_hint = part(&turned, found.authentication) != part(&whole, found.authentication);
        assert!(!is_good || is_hint, "{place}");
    }
}

#[test]
fn commands_that_could_lead_elsewhere_are_refused() {
    let shared = |more: Vec<(i64, Value)>| {
        let mut all = vec![(20, map(parameters(b"image")))];
        all.extend(more);
        suit_manifest_of(7, commands(all), vec![])
    };
    assert!(parsed(&shared(vec![(1, Value::from(15))])).is_ok());
    let wrapped_sequence = || commands(vec![(1, Value::from(15))]);
    for (command, argument) in [
        (15, Value::Array(vec![wrapped_sequence(), Value::Null])),
        (32, wrapped_sequence()),
        (31, Value::from(15)),
        (14, Value::from(15)),
        (21, Value::from(15)),
        (99, Value::from(0)),
        (-1, Value::from(0)),
    ] {
        let expected =
            format!("the SUIT envelope has the command {command}, which this server does not decide upon");
        assert_eq!(refusal(&shared(vec![(command, argument)])), expected);
    }
    for (parameter, value) in [(13, Value::from(true)), (12, Value::from(false)), (99, Value::from(0))] {
        let refusal = refusal(&shared(vec![(20, map(vec![(parameter, value)]))]));
        assert!(refusal.contains(&format!("the parameter {parameter}")), "{refusal}");
    }
}

#[test]
fn an_image_that_is_said_to_be_two_is_refused() {
    let other = suit_digest(&[1; 32]);
    let later = commands(vec![(20, map(vec![(3, Value::Bytes(other))]))]);
    let first = || commands(vec![(20, map(parameters(b"image")))]);
    assert!(refusal(&suit_manifest_of(7, first(), vec![(20, later)])).contains("more than one image digest"));
    let size = commands(vec![(20, map(vec![(14, Value::from(1))]))]);
    assert!(refusal(&suit_manifest_of(7, first(), vec![(16, size)])).contains("more than one image size"));
    let severed = Value::Array(vec![Value::from(-16), Value::Bytes(vec![1; 32])]);
    assert!(refusal(&suit_manifest_of(7, first(), vec![(20, severed)])).contains("severed commands"));
    let beyond = commands(vec![(12, Value::from(1)), (20, map(parameters(b"image")))]);
    assert!(matches!(parsed(&suit_manifest_of(7, beyond, vec![])), Err(SuitError::Malformed { .. })));
}

#[test]
fn what_a_manifest_lacks_is_named() {
    for (parameter, what) in
        [(1, "a vendor id"), (2, "a class id"), (3, "an image digest"), (14, "an image size")]
    {
        let mut without = parameters(b"image");
        without.retain(|(key, _)| *key != parameter);
        assert_eq!(parsed(&suit_manifest(7, without)), Err(SuitError::Lacks { what }));
    }
    let other_digest = |algorithm: i64| {
        let mut with = parameters(b"image");
        let digest = Value::Array(vec![Value::from(algorithm), Value::Bytes(vec![1; 32])]);
        with[2].1 = wrapped(&digest);
        parsed(&suit_manifest(7, with))
    };
    assert!(other_digest(-16).is_ok());
    assert!(matches!(other_digest(-44), Err(SuitError::Unsupported { .. })));
    assert!(matches!(
        parsed(&suit_manifest(1 << 53, parameters(b"image"))),
        Err(SuitError::Unsupported { .. })
    ));
}
