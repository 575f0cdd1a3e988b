//! The files of artefacts go along.

use fleet::Fingerprint;

use super::*;
use crate::blobs::FOLDER;

/// Puts the file of an artefact into a data folder, under the name of what it should hold.
fn put(config: &Config, content: &[u8], named_for: &[u8]) -> String {
    let folder = config.data_dir.0.join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    let name = Fingerprint::of(named_for).to_string();
    fs::write(folder.join(&name), content).unwrap();
    name
}

fn kept(config: &Config) -> Vec<(String, Vec<u8>)> {
    let listed = fs::read_dir(config.data_dir.0.join(FOLDER)).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = listed
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

async fn world() -> World {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(1)])).await.unwrap();
    store.close().await;
    drop(data_dir);
    world
}

#[tokio::test]
async fn the_files_of_artefacts_are_restored_and_what_is_damaged_or_half_there_is_not() {
    let world = world().await;
    let large: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let mut expected = vec![
        (put(&world.config, &large, &large), large.clone()),
        (put(&world.config, b"", b""), Vec::new()),
        (put(&world.config, b"small", b"small"), b"small".to_vec()),
    ];
    expected.sort();
    put(&world.config, b"tampered with", b"as it was");
    fs::write(world.config.data_dir.0.join(FOLDER).join("unfinished-1"), b"half").unwrap();
    let manifest = world.backup("one.muster").await;
    assert_eq!((manifest.format, manifest.blobs().len()), (3, 3));
    verify(&world.file("one.muster"), Some(&passphrase()), &()).await.unwrap();
    // Those that are there are moved aside with their database.
    let elsewhere = world.elsewhere();
    put(&elsewhere, b"of another server", b"of another server");
    restore(&elsewhere, &world.file("one.muster"), &passphrase(), Replace::Never, &()).await.unwrap();
    assert!(kept(&elsewhere) == expected);
    let aside = fs::read_dir(&elsewhere.data_dir.0).unwrap().map(Result::unwrap);
    let aside = aside.filter(|entry| entry.path().join(FOLDER).is_dir());
    assert_eq!(aside.count(), 1);
}

#[tokio::test]
async fn a_changed_byte_of_an_artefact_is_found_out() {
    let world = world().await;
    put(&world.config, b"an image of some kind", b"an image of some kind");
    world.backup("one.muster").await;
    let mut bytes = fs::read(world.file("one.muster")).unwrap();
    let at = bytes.windows(8).position(|part| part == b"an image").unwrap();
    bytes[at] ^= 1;
    fs::write(world.file("one.muster"), bytes).unwrap();
    let error = verify(&world.file("one.muster"), None, &()).await.unwrap_err();
    assert!(error.to_string().contains("blobs/"), "{error}");
    let refused =
        restore(&world.elsewhere(), &world.file("one.muster"), &passphrase(), Replace::Never, &()).await;
    assert!(refused.is_err() && !world.elsewhere().database_file().exists());
}

#[tokio::test]
async fn a_manifest_that_names_anything_but_digests_is_none() {
    let world = world().await;
    put(&world.config, b"one", b"one");
    let manifest = world.backup("one.muster").await;
    assert_eq!(Manifest::parse(&manifest.to_bytes()).unwrap(), manifest);
    for name in ["blobs/../../etc/passwd", "blobs/", "blobs/AB", "seal.key"] {
        let mut changed = manifest.clone();
        changed.members[2].name = name.to_owned();
        assert!(Manifest::parse(&changed.to_bytes()).is_err(), "{name}");
    }
    let mut twice = manifest.clone();
    twice.members.push(twice.members[2].clone());
    assert!(Manifest::parse(&twice.to_bytes()).is_err());
    let older = Manifest { format: 2, ..manifest };
    assert!(Manifest::parse(&older.to_bytes()).is_err(), "there were none in it");
}
