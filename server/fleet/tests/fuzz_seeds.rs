//! What the fuzz targets check, on the seeds that are kept beside them: one target, one module, one folder of seeds.

use std::{fs, path::PathBuf};

#[path = "../fuzz/checks/manifest.rs"]
mod manifest;
#[path = "../fuzz/checks/signed.rs"]
mod signed;
#[path = "../fuzz/checks/suit.rs"]
mod suit;

#[test]
fn seeds_of_manifests() {
    replay("manifest", manifest::check);
}

#[test]
fn seeds_of_signed_manifests() {
    replay("signed", signed::check);
}

#[test]
fn seeds_of_suit_envelopes() {
    replay("suit", suit::check);
}

/// Each seed, cut anywhere, and with each of its bits turned.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let seeds: Vec<Vec<u8>> = fs::read_dir(folder)
        .expect("the seeds are kept")
        .map(|seed| fs::read(seed.expect("a file").path()).expect("is read"))
        .collect();
    assert!(!seeds.is_empty(), "{target} has seeds");
    for seed in seeds {
        for end in 0..=seed.len() {
            check(&seed[..end]);
        }
        for bit in 0..seed.len() * 8 {
            let mut turned = seed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            check(&turned);
        }
    }
}
