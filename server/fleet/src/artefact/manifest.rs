//! The manifest of ours: what somebody who signs an artefact says of it.
//!
//! It is a JSON object in its one canonical writing (RFC 8785): the members in the order below, no white space, no line end.
//! One manifest has one writing, so nothing depends on how a reader reads it; what is signed is exactly these bytes.
//!
//! ```json
//! {"class":"gateway","format":"muster-artefact-1","kind":"firmware","not_after":1798761600,"sequence":7,"sha256":"<64 hexadecimal digits>","size":262144,"version":"1.4.0"}
//! ```
//!
//! `not_after` is in seconds since 1970-01-01T00:00:00Z and may be left out; all else is there.

use serde::{Deserialize, Serialize};

use crate::{Artefact, ArtefactKind, Class, Fingerprint, Timestamp};

/// What somebody who signs an artefact says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The name of the class whose devices it is for.
    pub class: String,
    /// What it is.
    pub kind: ArtefactKind,
    /// Until when it may be sent, in whole seconds.
    pub not_after: Option<Timestamp>,
    /// Its sequence number: higher than that of all before it.
    pub sequence: u64,
    /// SHA-256 of the image.
    pub digest: Fingerprint,
    /// How long the image is.
    pub size: u64,
    /// Its version.
    pub version: String,
}

/// Why something is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is too long.
    #[error("a manifest has at most {max} bytes, this one has {len}", max = Manifest::MAX_BYTES)]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// It is no JSON, or has other members.
    #[error("the manifest can't be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It is of another format.
    #[error("this manifest is not in the format {format:?}", format = Manifest::FORMAT)]
    Format,
    /// A member holds what it can't.
    #[error("{member} of the manifest: {reason}")]
    Member {
        /// Which.
        member: &'static str,
        /// What would do.
        reason: &'static str,
    },
    /// It is written otherwise than its content is.
    #[error("the manifest is not in its canonical writing, which is {canonical}")]
    NotCanonical {
        /// How it would be.
        canonical: String,
    },
}

/// The members, in the order of their writing.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    class: String,
    format: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<i64>,
    sequence: u64,
    sha256: String,
    size: u64,
    version: String,
}

impl Manifest {
    /// What [`Manifest`]s of this writing carry as their format.
    pub const FORMAT: &str = "muster-artefact-1";
    /// The longest one.
    pub const MAX_BYTES: usize = 2_048;

    /// Reads one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ManifestError::TooLong { len: bytes.len() });
        }
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| ManifestError::Unreadable { reason: error.to_string() })?;
        if written.format != Self::FORMAT {
            return Err(ManifestError::Format);
        }
        let member = |member, reason| ManifestError::Member { member, reason };
        let kind = ArtefactKind::ALL.into_iter().find(|kind| kind.name() == written.kind);
        let digest = Fingerprint::from_hex(&written.sha256);
        let in_seconds = |at: i64| at.checked_mul(1_000).filter(|at| *at >= 0).map(Timestamp);
        let not_after = match written.not_after {
            Some(at) => {
                Some(in_seconds(at).ok_or_else(|| member("not_after", "it counts seconds since 1970"))?)
            }
            None => None,
        };
        let manifest = Self {
            class: written.class,
            kind: kind.ok_or_else(|| member("kind", "it is firmware or software"))?,
            not_after,
            sequence: written.sequence,
            digest: digest.ok_or_else(|| member("sha256", "it has 64 hexadecimal digits"))?,
            size: written.size,
            version: written.version,
        };
        manifest.check()?;
        match manifest.to_bytes() {
            canonical if canonical == bytes => Ok(manifest),
            canonical => Err(ManifestError::NotCanonical {
                canonical: String::from_utf8_lossy(&canonical).into_owned(),
            }),
        }
    }

    /// Whether each member holds what it can.
    pub fn check(&self) -> Result<(), ManifestError> {
        let member = |member, reason| Err(ManifestError::Member { member, reason });
        let is_text = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if !is_text(&self.class) || self.class.chars().count() > Class::MAX_NAME {
            return member("class", "it names a class in 1 to 64 characters");
        }
        if !is_text(&self.version) || self.version.len() > Artefact::MAX_VERSION {
            return member("version", "it has 1 to 64 bytes");
        }
        if self.sequence > Artefact::MAX_SEQUENCE || self.size > Artefact::MAX_SEQUENCE {
            return member("sequence", "numbers are below 2^53");
        }
        Ok(())
    }

    /// Its canonical writing (RFC 8785 §3.2): what is signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            class: self.class.clone(),
            format: Self::FORMAT.to_owned(),
            kind: self.kind.name().to_owned(),
            not_after: self.not_after.map(|at| at.0 / 1_000),
            sequence: self.sequence,
            sha256: self.digest.to_string(),
            size: self.size,
            version: self.version.clone(),
        };
        serde_json::to_vec(&written).expect("texts and numbers are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            class: "gateway \"a\"".into(),
            kind: ArtefactKind::Firmware,
            not_after: Some(Timestamp(1_798_761_600_000)),
            sequence: 7,
            digest: Fingerprint([0xab; 32]),
            size: 262_144,
            version: "1.4.0".into(),
        }
    }

    #[test]
    fn a_manifest_is_read_back_from_its_one_writing() {
        let digits = "ab".repeat(32);
        let text = format!(
            r#"{{"class":"gateway \"a\"","format":"muster-artefact-1","kind":"firmware","not_after":1798761600,"sequence":7,"sha256":"{digits}","size":262144,"version":"1.4.0"}}"#
        );
        assert_eq!(String::from_utf8(manifest().to_bytes()).unwrap(), text);
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest()));
        let endless = Manifest { not_after: None, kind: ArtefactKind::Software, ..manifest() };
        assert_eq!(Manifest::parse(&endless.to_bytes()), Ok(endless));
    }

    #[test]
    fn another_writing_of_the_same_is_refused_and_the_right_one_named() {
        let text = String::from_utf8(manifest().to_bytes()).unwrap();
        for other in [
            format!("{text}\n"),
            text.replace("\"size\":", "\"size\": "),
            text.replace("abab", "ABAB"),
            text.replace("firmware\"", "\\u0066irmware\""),
            text.replace(",\"version\":\"1.4.0\"", "")
                .replace("{\"class\"", "{\"version\":\"1.4.0\",\"class\""),
        ] {
            let canonical = text.clone();
            assert_eq!(
                Manifest::parse(other.as_bytes()),
                Err(ManifestError::NotCanonical { canonical }),
                "{other}"
            );
        }
    }

    #[test]
    fn what_is_no_manifest_says_why() {
        let text = String::from_utf8(manifest().to_bytes()).unwrap();
        let with = |from: &str, to: &str| Manifest::parse(text.replace(from, to).as_bytes());
        assert_eq!(with("artefact-1", "artefact-2"), Err(ManifestError::Format));
        for (from, to, name) in [
            ("\"firmware\"", "\"toaster\"", "kind"),
            ("1798761600", "-1", "not_after"),
            ("abab", "xyxy", "sha256"),
            ("gateway \\\"a\\\"", "", "class"),
            ("1.4.0", "", "version"),
            (":7,", ":9007199254740992,", "sequence"),
        ] {
            let error = with(from, to);
            assert!(
                matches!(error, Err(ManifestError::Member { member, .. }) if member == name),
                "{name}: {error:?}"
            );
        }
        for (from, to) in
            [("\"size\":262144,", ""), ("{", "{\"a\":1,"), ("7", "7.5"), ("}", ""), (":7,", ":-7,")]
        {
            assert!(matches!(with(from, to), Err(ManifestError::Unreadable { .. })), "{from} {to}");
        }
        let twice = with("\"size\":262144", "\"size\":262144,\"size\":1");
        assert!(matches!(twice, Err(ManifestError::Unreadable { .. })));
        let len = Manifest::MAX_BYTES + 1;
        assert_eq!(Manifest::parse(&vec![b' '; len]), Err(ManifestError::TooLong { len }));
    }
}
