//! Texts that are an interface, kept beside the tests: UPDATE_SNAPSHOTS=1 writes them.

use std::path::Path;

pub(crate) fn is_as_kept(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = kept.lines().zip(text.lines()).position(|(kept, is)| kept != is);
    let at = differs.unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
    assert!(
        kept == text,
        "{name}, line {}: kept {:?}, is {:?}; UPDATE_SNAPSHOTS=1 keeps it as it is",
        at + 1,
        line(&kept),
        line(text)
    );
}

/// Without what differs from run to run: ids, moments, secrets and addresses, each as wide as before.
pub(crate) fn settled(text: &str) -> String {
    let mut settled = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word =
            rest.split(|c: char| !c.is_ascii_alphanumeric() && !"-:.".contains(c)).next().unwrap_or_default();
        let hex = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let moment = word.len() == 24 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
        if hex || moment {
            settled.push_str(&(if hex { "h" } else { "t" }).repeat(word.len()));
            rest = &rest[word.len()..];
        } else if word.is_empty() {
            settled.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            settled.push_str(word);
            rest = &rest[word.len()..];
        }
    }
    settled
}
