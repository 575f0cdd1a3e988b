//! The member `manifest.json`: what a backup holds, and how to get it back.

use std::collections::BTreeMap;

use fleet::Timestamp;
use serde::{Deserialize, Serialize};

use super::Damage;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format: 1 to 3.
    pub format: u32,
    /// The version of Muster that made it.
    pub muster: String,
    /// The last step of the database's schema.
    pub schema: String,
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// The members that follow, in their order.
    pub members: Vec<Member>,
    /// For whoever finds the file.
    pub restore: String,
}

/// A member of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// The version of the format that this version of Muster writes. It reads those before, too. The files of artefacts are a
    /// part of it since 3.
    pub const FORMAT: u32 = 3;

    pub(super) const NAME: &str = "manifest.json";
    pub(super) const KEYS: &str = "keys.sealed";
    pub(super) const DATABASE: &str = "database.sqlite";
    /// The folder of what is too large for the database: the files of artefacts, each under its SHA-256.
    pub(super) const BLOBS: &str = "blobs/";
    pub(super) const SUMS: &str = "SHA256SUMS";

    pub(super) const MAX_BYTES: u64 = 1 << 20;
    pub(super) const HINT: &str = "muster restore FILE, with the passphrase that it was made with";

    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        Timestamp(self.made_at_ms)
    }

    /// How long the database is.
    pub fn database_bytes(&self) -> u64 {
        self.members.iter().find(|member| member.name == Self::DATABASE).map_or(0, |member| member.bytes)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        // A later version may have other fields: its number is looked at first.
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        let Versioned { format } = serde_json::from_slice(bytes).map_err(|_| Damage::Manifest)?;
        if !(1..=Self::FORMAT).contains(&format) {
            return Err(Damage::Format(format));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| Damage::Manifest)?;
        // What stands there otherwise than it was written is not as it was, even if it says the same.
        if manifest.format > 1 && manifest.to_bytes() != bytes {
            return Err(Damage::Manifest);
        }
        let [keys, database, blobs @ ..] = &manifest.members[..] else { return Err(Damage::Manifest) };
        let is_first = keys.name == Self::KEYS && database.name == Self::DATABASE;
        let are_in_order = blobs.is_sorted_by(|one, next| one.name < next.name);
        let may_be = manifest.holds_artefacts() || blobs.is_empty();
        if manifest.made_at_ms < 0
            || !is_first
            || !may_be
            || !are_in_order
            || !blobs.iter().all(Member::is_blob)
        {
            return Err(Damage::Manifest);
        }
        Ok(manifest)
    }

    /// Whether the files of artefacts are in it, however many there are.
    pub(super) fn holds_artefacts(&self) -> bool {
        self.format > 2
    }

    /// The files of artefacts.
    pub(super) fn blobs(&self) -> &[Member] {
        self.members.get(2..).unwrap_or_default()
    }

    /// How long the database and the files of artefacts are together.
    pub fn bytes(&self) -> u64 {
        self.members.iter().skip(1).map(|member| member.bytes).sum()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("strings, numbers and maps of them are always JSON")
    }

    /// What the keys are bound to: all that is said here but of themselves. In format 1 it was each other member alone, as
    /// `sha256sum` writes it, so that whoever had no passphrase could change the rest.
    pub(super) fn bound(&self) -> Vec<u8> {
        let others = self.members.iter().filter(|member| member.name != Self::KEYS);
        if self.format == 1 {
            return others.map(Member::sum).collect::<String>().into_bytes();
        }
        Self { members: others.cloned().collect(), ..self.clone() }.to_bytes()
    }

    /// The member `SHA256SUMS`, which `sha256sum -c` reads.
    pub(super) fn sums(&self, of_manifest: &str) -> String {
        let own = Member { name: Self::NAME.to_owned(), bytes: 0, sha256: of_manifest.to_owned() };
        std::iter::once(&own).chain(&self.members).map(Member::sum).collect()
    }
}

impl Member {
    /// The file of an artefact.
    pub(super) fn of_blob(name: &str, bytes: u64) -> Self {
        Self { name: format!("{}{name}", Manifest::BLOBS), bytes, sha256: name.to_owned() }
    }

    /// Its name in the folder of artefacts, which is its SHA-256.
    pub(super) fn blob(&self) -> &str {
        self.name.strip_prefix(Manifest::BLOBS).unwrap_or_default()
    }

    fn is_blob(&self) -> bool {
        self.blob() == self.sha256 && is_blob_name(&self.sha256)
    }

    fn sum(&self) -> String {
        format!("{}  {}\n", self.sha256, self.name)
    }
}

/// Whether a file of the folder of artefacts is whole, by its name.
pub(super) fn is_blob_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
