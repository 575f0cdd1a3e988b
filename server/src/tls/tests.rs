//! Files that are good, bad and replaced.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rcgen::{CertificateParams, KeyPair};

use super::*;

/// Writes a pair for a name into a folder.
pub(crate) fn write_pair(folder: &Path, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// A configuration with the files of [`write_pair`].
pub(crate) fn with_files(folder: &Path) -> Config {
    let mut config = Config::default();
    config.console.tls = ConsoleTls::Files;
    config.console.certificate = Some(folder.join("cert.pem"));
    config.console.key = Some(folder.join("key.pem"));
    config
}

/// A configuration with a certificate of our own in a folder.
pub(crate) fn self_signed(folder: &Path) -> Config {
    let mut config = Config::default();
    config.data_dir.0 = folder.to_owned();
    config.console.tls = ConsoleTls::SelfSigned;
    config
}

fn started(config: &Config) -> Tls {
    Tls::start(config).unwrap().unwrap()
}

fn served(tls: &Tls) -> Vec<u8> {
    tls.served.now().cert[0].to_vec()
}

#[test]
fn without_tls_there_is_none() {
    assert!(Tls::start(&Config::default()).unwrap().is_none());
}

#[test]
fn files_that_change_are_served_and_bad_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), "one.example");
    let tls = started(&with_files(folder.path()));
    let first = served(&tls);
    tls.look();
    assert_eq!(served(&tls), first);

    write_pair(folder.path(), "two.example");
    tls.look();
    let second = served(&tls);
    assert_ne!(second, first);

    // A certificate that came before its key, then files that are gone, cut off, or nonsense.
    let key = fs::read(folder.path().join("key.pem")).unwrap();
    write_pair(folder.path(), "three.example");
    let third_key = fs::read(folder.path().join("key.pem")).unwrap();
    fs::write(folder.path().join("key.pem"), key).unwrap();
    tls.look();
    assert_eq!(served(&tls), second, "a pair that does not match");
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    tls.look();
    assert_eq!(served(&tls), second, "no key");
    fs::write(folder.path().join("key.pem"), &third_key[..third_key.len() / 2]).unwrap();
    tls.look();
    assert_eq!(served(&tls), second, "half a key");
    fs::write(folder.path().join("key.pem"), third_key).unwrap();
    tls.look();
    assert_ne!(served(&tls), second, "the pair is whole");
}

#[test]
fn bad_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = with_files(folder.path());
    let complaint = || {
        let said = Tls::check(&config).unwrap_err().to_string();
        assert_eq!(Tls::start(&config).map(drop).unwrap_err().to_string(), said);
        said
    };
    assert!(complaint().contains("can't read") && complaint().contains("cert.pem"));
    write_pair(folder.path(), "one.example");
    let certificate = fs::read(folder.path().join("cert.pem")).unwrap();
    Tls::check(&config).unwrap();
    write_pair(folder.path(), "two.example");
    fs::write(folder.path().join("cert.pem"), certificate).unwrap();
    assert!(complaint().contains("does not serve the certificate"), "{}", complaint());
    fs::write(folder.path().join("key.pem"), "not a key").unwrap();
    assert!(complaint().contains("key.pem holds no private key"), "{}", complaint());
    fs::write(folder.path().join("cert.pem"), "not a certificate").unwrap();
    assert!(complaint().contains("cert.pem holds no certificate"), "{}", complaint());
}

#[test]
fn a_certificate_of_our_own_is_made_once_and_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = self_signed(folder.path());
    Tls::check(&config).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a check makes nothing");
    let first = started(&config);
    let fingerprint = first.fingerprint().unwrap();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    assert_eq!(started(&config).fingerprint(), Some(fingerprint.clone()));
    Tls::check(&config).unwrap();
    let mode = fs::metadata(folder.path().join("console-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(started(&self_signed(other.path())).fingerprint(), Some(fingerprint));
    assert!(!first.is_lasting());
}

#[test]
fn another_public_host_needs_another_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = self_signed(folder.path());
    let first = started(&config).fingerprint();
    for host in ["localhost", "::1"] {
        config.public_host = host.parse().unwrap();
        assert_eq!(started(&config).fingerprint(), first, "{host} is named by every certificate");
    }
    config.public_host = "muster.example".parse().unwrap();
    let second = started(&config).fingerprint();
    assert_ne!(second, first);
    assert_eq!(started(&config).fingerprint(), second);
}

#[test]
fn a_damaged_certificate_of_our_own_is_not_replaced_silently() {
    let folder = tempfile::tempdir().unwrap();
    let config = self_signed(folder.path());
    started(&config);
    fs::write(folder.path().join("console-key.pem"), "").unwrap();
    let said = Tls::start(&config).map(drop).unwrap_err().to_string();
    assert!(said.contains("delete") && said.contains("console-certificate.pem"), "{said}");
    assert!(Tls::check(&config).is_err());
    fs::remove_file(folder.path().join("console-key.pem")).unwrap();
    started(&config);
}
