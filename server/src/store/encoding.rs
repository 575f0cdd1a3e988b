//! Domain types as columns, and back. What can't be read back is [`StoreError::Corrupt`].

use std::{net::SocketAddr, str::FromStr};

use fleet::{DeviceState, ListenerId, OperationState, Source, StoreError, Target};
use objects::{ContentFormat, Path};
use serde::Serialize;
use uuid::Uuid;

pub(super) mod artefact;
pub(super) mod baseline;
pub(super) mod bootstrap;
pub(super) mod configuration;
pub(super) mod group;
pub(super) mod identity;
pub(super) mod links;
pub(super) mod operation;
pub(super) mod people;
pub(super) mod queue;
pub(super) mod rows;
pub(super) mod secure;
pub(super) mod told;
pub(super) mod update;
pub(super) mod value;
pub(super) mod wish;

/// Names what kind of row can't be read.
pub(super) trait OrCorrupt<T> {
    fn or_corrupt(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> OrCorrupt<T> for Option<T> {
    fn or_corrupt(self, what: &'static str) -> Result<T, StoreError> {
        self.ok_or(StoreError::Corrupt { what })
    }
}

impl<T, E> OrCorrupt<T> for Result<T, E> {
    fn or_corrupt(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|_| StoreError::Corrupt { what })
    }
}

/// Two bytes an identifier, big-endian: in the order of the paths, and what lies below a path begins with it.
pub(super) fn path_bytes(path: Path) -> Vec<u8> {
    path.ids().into_iter().flat_map(u16::to_be_bytes).collect()
}

pub(super) fn path(bytes: &[u8]) -> Option<Path> {
    let (ids, []) = bytes.as_chunks::<2>() else { return None };
    let ids: Vec<u16> = ids.iter().map(|&id| u16::from_be_bytes(id)).collect();
    Path::from_ids(&ids).ok()
}

/// What an observation is of, as its key is stored: the bytes of its path where it is one.
pub(super) fn target_bytes(target: &Target) -> Vec<u8> {
    target.key().into_iter().flat_map(u16::to_be_bytes).collect()
}

pub(super) fn target(bytes: &[u8]) -> Option<Target> {
    let (key, []) = bytes.as_chunks::<2>() else { return None };
    let key: Vec<u16> = key.iter().map(|&id| u16::from_be_bytes(id)).collect();
    Target::from_key(&key)
}

/// The first bytes that come after everything at or below `path`; none if nothing does.
pub(super) fn path_bytes_after(path: Path) -> Option<Vec<u8>> {
    let mut bytes = path_bytes(path);
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

/// The first text that comes after all texts that begin with `prefix`; none if nothing does.
pub(super) fn text_after(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The range of characters steps over the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Text of others as a column. PostgreSQL's text holds every character but NUL, so that one is written `\\0`, and `\\` twice.
pub(super) fn text_column(text: &str) -> String {
    text.replace('\\', r"\\").replace('\0', r"\0")
}

pub(super) fn text(column: &str) -> String {
    let mut text = String::with_capacity(column.len());
    let mut letters = column.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' if letters.next() == Some('0') => '\0',
            letter => letter,
        });
    }
    text
}

pub(super) fn uuid(bytes: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(bytes).ok()
}

pub(super) fn format_column(format: Option<ContentFormat>) -> Option<i64> {
    format.map(|format| i64::from(format.0))
}

pub(super) fn format(column: Option<i64>) -> Option<Option<ContentFormat>> {
    column
        .map(|number| u16::try_from(number).ok().map(ContentFormat))
        .map_or(Some(None), |format| format.map(Some))
}

pub(super) fn source(listener: i64, address: &str) -> Option<Source> {
    let listener = ListenerId(u16::try_from(listener).ok()?);
    Some(Source { listener, address: SocketAddr::from_str(address).ok()? })
}

/// A type that is stored as one of a few words.
pub(super) trait Word: Sized + Copy + 'static {
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

macro_rules! named_words {
    ($($type:ty),*) => {$(
        impl Word for $type {
            const ALL: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                self.name()
            }
        }
    )*};
}
named_words!(
    fleet::ArtefactKind,
    DeviceState,
    OperationState,
    fleet::BootstrapResult,
    fleet::Cause,
    fleet::CredentialKind,
    fleet::CredentialState,
    fleet::DiaryCause,
    fleet::KeyAlgorithm,
    fleet::Mapping,
    fleet::Purpose,
    fleet::Role,
    fleet::Sends,
    fleet::TimelineKind,
    fleet::Verb,
    fleet::configuration::Ask,
    fleet::configuration::ConfiguredState,
    fleet::configuration::Standing,
    fleet::configuration::Way,
    fleet::update::Ask,
    fleet::update::Delivery,
    fleet::update::UpdatePhase,
    fleet::update::VersionAt
);

fn json<T: Serialize>(stored: &T) -> String {
    serde_json::to_string(stored).expect("strings, numbers and lists are always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_words<T: Word + PartialEq + std::fmt::Debug>() {
        for &one in T::ALL {
            assert_eq!(T::from_word(one.word()), Some(one));
        }
        assert_eq!(T::from_word(""), None);
    }

    #[test]
    fn every_word_is_read_back() {
        all_words::<DeviceState>();
        all_words::<OperationState>();
        all_words::<fleet::ArtefactKind>();
        all_words::<fleet::KeyAlgorithm>();
        all_words::<fleet::Sends>();
        all_words::<fleet::BootstrapResult>();
        all_words::<fleet::CredentialKind>();
        all_words::<fleet::CredentialState>();
        all_words::<fleet::DiaryCause>();
        all_words::<fleet::Mapping>();
        all_words::<fleet::Purpose>();
        all_words::<fleet::Cause>();
        all_words::<fleet::Role>();
        all_words::<fleet::TimelineKind>();
        all_words::<fleet::Verb>();
        all_words::<fleet::configuration::Ask>();
        all_words::<fleet::configuration::ConfiguredState>();
        all_words::<fleet::configuration::Standing>();
        all_words::<fleet::configuration::Way>();
        all_words::<fleet::update::Ask>();
        all_words::<fleet::update::Delivery>();
        all_words::<fleet::update::UpdatePhase>();
        all_words::<fleet::update::VersionAt>();
    }

    #[test]
    fn every_text_fits_a_column_and_comes_back() {
        for one in ["", "plain", "\0", "\\", "\\0", "\\\\0\0\\", "☃\0\u{10ffff}\r\n"] {
            let column = text_column(one);
            assert!(!column.contains('\0'));
            assert_eq!(text(&column), one);
        }
    }

    #[test]
    fn bytes_of_paths_sort_as_the_tree_does() {
        let texts =
            ["/", "/0", "/3", "/3/0", "/3/0/0", "/3/0/0/0", "/3/0/0/1", "/3/0/9", "/3/0/256", "/3/1", "/256"];
        let paths: Vec<Path> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let bytes: Vec<Vec<u8>> = paths.iter().map(|&path| path_bytes(path)).collect();
        assert!(bytes.is_sorted());
        for (&one, bytes) in paths.iter().zip(&bytes) {
            assert_eq!(path(bytes), Some(one));
        }
        assert_eq!(path(&[0]), None);
        assert_eq!(path(&[0, 3, 255, 255]), None);
    }

    #[test]
    fn the_range_below_a_path_holds_what_is_within_it_and_nothing_else() {
        let texts = [
            "/",
            "/3",
            "/3/0",
            "/3/0/255",
            "/3/0/255/7",
            "/3/0/256",
            "/3/255",
            "/3/256/1",
            "/4",
            "/65535/65534",
        ];
        let paths: Vec<Path> = texts.iter().map(|text| text.parse().unwrap()).collect();
        for &within in &paths {
            let (from, to) = (path_bytes(within), path_bytes_after(within));
            for &one in &paths {
                let bytes = path_bytes(one);
                let inside = bytes >= from && to.as_ref().is_none_or(|to| bytes < *to);
                assert_eq!(inside, one.is_within(&within), "{one} in {within}");
            }
        }
    }

    #[test]
    fn the_text_after_a_prefix_ends_its_range() {
        assert_eq!(text_after("node-"), Some("node.".into()));
        assert_eq!(text_after("a\u{10ffff}"), Some("b".into()));
        assert_eq!(text_after("\u{d7ff}"), Some("\u{e000}".into()));
        assert_eq!(text_after("\u{10ffff}"), None);
        assert_eq!(text_after(""), None);
    }
}
