//! The member `manifest.json`: what a backup holds, and how to get it back.

use std::collections::BTreeMap;

use fleet::Timestamp;
use serde::{Deserialize, Serialize};

use super::Damage;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format: 1 or 2.
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
    /// The version of the format that this version of Muster writes. It reads those before, too.
    pub const FORMAT: u32 = 2;

    pub(super) const NAME: &str = "manifest.json";
    pub(super) const KEYS: &str = "keys.sealed";
    pub(super) const DATABASE: &str = "database.sqlite";
    /// The folder of what is too large for the database. Nothing is in it yet.
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
        let names = manifest.members.iter().map(|member| member.name.as_str());
        if manifest.made_at_ms < 0 || !names.eq([Self::KEYS, Self::DATABASE]) {
            return Err(Damage::Manifest);
        }
        Ok(manifest)
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
    fn sum(&self) -> String {
        format!("{}  {}\n", self.sha256, self.name)
    }
}
