//! What was changed in a backup is found.

use std::collections::BTreeSet;

use super::*;
use crate::backup::verify::unpack;

/// Verifies bytes as a file, without the passphrase.
async fn verified(world: &World, bytes: &[u8]) -> Result<Manifest, BackupError> {
    let file = world.file("changed.muster");
    fs::write(&file, bytes).unwrap();
    verify(&file, None, &()).await
}

async fn made() -> (World, Vec<u8>) {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit((1..4).map(added).collect())).await.unwrap();
    store.close().await;
    drop(data_dir);
    world.backup("whole.muster").await;
    let bytes = fs::read(world.file("whole.muster")).unwrap();
    (world, bytes)
}

#[tokio::test]
async fn a_byte_that_was_flipped_anywhere_is_found() {
    let (world, whole) = made().await;
    verified(&world, &whole).await.unwrap();
    // Every 997th, and more of the first members and of the last.
    let spread = (0..whole.len()).step_by(997).chain((0..4_096).step_by(41));
    for at in spread.chain((whole.len() - 3_072..whole.len()).step_by(41)) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let error = verified(&world, &changed).await;
        assert!(matches!(error, Err(BackupError::Damaged { .. })), "byte {at}: {error:?}");
    }
}

#[tokio::test]
async fn a_backup_that_was_cut_off_or_goes_on_is_found() {
    let (world, whole) = made().await;
    for length in (0..whole.len()).step_by(7_919).chain([511, 512, whole.len() - 1, whole.len() - 512]) {
        let error = verified(&world, &whole[..length]).await.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{length} bytes: {error}");
    }
    let longer = [&whole[..], &[0]].concat();
    let error = verified(&world, &longer).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged { damage: Damage::End, .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_that_says_the_same_otherwise_is_not_as_it_was() {
    let (world, whole) = made().await;
    let manifest = verified(&world, &whole).await.unwrap();
    let written = manifest.to_bytes();
    assert_eq!(Manifest::parse(&written).unwrap(), manifest);
    for other in [[&written[..], b"\n"].concat(), serde_json::to_vec(&manifest).unwrap()] {
        assert!(matches!(Manifest::parse(&other), Err(Damage::Manifest)));
    }
}

/// Where each part of a backup begins, headers and what fills up the last blocks with them, and where all ends.
fn edges(whole: &[u8]) -> Vec<usize> {
    let mut archive = tar::Archive::new(whole);
    let entries = archive.entries().unwrap().map(|entry| entry.unwrap());
    let edges = entries.flat_map(|entry| [entry.raw_header_position(), entry.raw_file_position()]);
    let edges: BTreeSet<usize> = edges.map(|at| usize::try_from(at).unwrap()).collect();
    edges.into_iter().chain([whole.len() - 1_024, whole.len()]).collect()
}

#[tokio::test]
async fn what_is_damaged_is_not_restored_and_leaves_nothing_behind() {
    let (world, whole) = made().await;
    let (elsewhere, file) = (world.elsewhere(), world.file("changed.muster"));
    let mut cases = Vec::new();
    for part in edges(&whole).windows(2) {
        let [begin, end] = *part else { unreachable!("windows of two") };
        for at in [begin, begin + (end - begin) / 2, end - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            cases.push((format!("byte {at} was flipped"), changed));
            cases.push((format!("it was cut off at {at}"), whole[..at].to_vec()));
        }
    }
    assert!(cases.len() >= 60, "{}", cases.len());
    for (what, bytes) in cases {
        fs::write(&file, bytes).unwrap();
        let error = restore(&elsewhere, &file, &passphrase(), Replace::Never, &()).await.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().starts_with(&file.display().to_string()), "{what}: {error}");
        let left = fs::read_dir(&elsewhere.data_dir.0).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["lock"], "{what}");
    }
    fs::write(&file, whole).unwrap();
    restore(&elsewhere, &file, &passphrase(), Replace::Never, &()).await.unwrap();
}

#[tokio::test]
async fn an_archive_of_others_making_is_refused_before_any_of_it_is_used() {
    let (world, whole) = made().await;
    let header = |name: &str, kind: tar::EntryType, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let regular = tar::EntryType::Regular;
    let first = whole[..512].to_vec();
    let huge = header("manifest.json", regular, 1 << 40);
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("zeros", vec![0; 4_096]),
        ("a path upwards", [header("../manifest.json", regular, 0), vec![0; 1_024]].concat()),
        ("a path from the root", [header("/etc/passwd", regular, 0), vec![0; 1_024]].concat()),
        ("a link", [header("manifest.json", tar::EntryType::Symlink, 0), vec![0; 1_024]].concat()),
        ("a manifest of a terabyte", [huge, vec![b'{'; 2_048]].concat()),
        ("a manifest that is none", [first, vec![b' '; 4_096]].concat()),
        ("a second manifest", [&whole[..512], &whole[..]].concat()),
    ] {
        let error = verified(&world, &bytes).await.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{what}: {error}");
    }
    assert!(!world.file("manifest.json").exists());
}

#[tokio::test]
async fn mutations_never_pass_and_never_panic() {
    let (world, whole) = made().await;
    // xorshift64: no run differs from another.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..100 {
        let mut changed = whole.clone();
        // Mostly where the structure is.
        let within = if round % 3 == 0 { changed.len() } else { 6_000 };
        let (from, to, length) = (random(within), random(within), 1 + random(700));
        match round % 4 {
            0 => changed.truncate(from),
            1 => drop(changed.drain(from..(from + length).min(whole.len()))),
            2 => {
                let part = whole[from..(from + length).min(whole.len())].to_vec();
                changed.splice(to..to, part).for_each(drop);
            }
            _ => changed[from..(from + length).min(whole.len())].fill(b'9'),
        }
        if changed != whole {
            let error = verified(&world, &changed).await;
            assert!(matches!(error, Err(BackupError::Damaged { .. })), "round {round}: {error:?}");
        }
    }
}

#[tokio::test]
async fn whoever_has_no_passphrase_makes_no_backup_that_is_restored() {
    let (world, _) = made().await;
    let error = verify(&world.file("whole.muster"), Some(&words("another passphrase")), &()).await;
    assert!(error.unwrap_err().is_of_the_passphrase());
    // The keys of one backup with the database of another, all sums right.
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(9)])).await.unwrap();
    store.close().await;
    drop(data_dir);
    world.backup("later.muster").await;
    let member = |name: &str| {
        let mut archive = tar::Archive::new(fs::File::open(world.file(name)).unwrap());
        let mut entry = archive.entries().unwrap().nth(1).unwrap().unwrap();
        assert_eq!(entry.path_bytes(), b"keys.sealed".as_slice());
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        bytes
    };
    let folder = world.file("unpacked");
    fs::create_dir(&folder).unwrap();
    let copy = folder.join("database");
    let (manifest, _) = unpack(&world.file("later.muster"), &copy, None, None, &()).await.unwrap();
    write_down(&world.file("mixed.muster"), manifest.clone(), &member("whole.muster"), &copy);
    verify(&world.file("mixed.muster"), None, &()).await.unwrap();
    let error = verify(&world.file("mixed.muster"), Some(&passphrase()), &()).await.unwrap_err();
    assert!(error.is_of_the_passphrase(), "{error}");
    let (elsewhere, file) = (world.elsewhere(), world.file("mixed.muster"));
    let error = restore(&elsewhere, &file, &passphrase(), Replace::Never, &()).await.unwrap_err();
    assert!(error.is_of_the_passphrase(), "{error}");
    assert!(!world.elsewhere().database_file().exists());
    // What the manifest says of itself, all sums right.
    let manifests = [
        Manifest { made_at_ms: manifest.made_at_ms + 86_400_000, ..manifest.clone() },
        Manifest { muster: "99.0.0".to_owned(), ..manifest.clone() },
        Manifest { format: 1, ..manifest.clone() },
    ];
    for changed in manifests {
        let file = world.file("changed.muster");
        write_down(&file, changed.clone(), &member("later.muster"), &copy);
        verify(&file, None, &()).await.unwrap();
        let error = verify(&file, Some(&passphrase()), &()).await.unwrap_err();
        assert!(error.is_of_the_passphrase(), "{changed:?}: {error}");
    }
}
