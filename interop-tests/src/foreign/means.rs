//! The keys and certificates of one run: made anew, and put down as files for clients that want files.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{Authority, Pair};

/// The PSK identity of all clients.
pub const IDENTITY: &str = "foreign-client";

/// Its key: letters, for some clients take nothing else.
pub const KEY: &[u8; 16] = b"sixteen-byte-key";

/// What client and server prove themselves by.
#[derive(Debug)]
pub struct Means {
    folder: TempDir,
    /// The authority that both trust.
    pub authority: Pair,
    /// The server's.
    pub server: Pair,
    /// The client's.
    pub client: Pair,
    /// Of a client that another authority vouches for.
    pub stranger: Pair,
}

impl Means {
    /// New ones. For each of `authority`, `server`, `client` and `stranger` the folder has `NAME.pem` and `NAME.der` (the
    /// certificate), `NAME-key.pem` and `NAME-key.der` (PKCS #8), `NAME-public.der` (SubjectPublicKeyInfo), and
    /// `NAME-pair.pem` (SubjectPublicKeyInfo, then PKCS #8).
    ///
    /// # Panics
    /// If there is no room for temporary files.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let (trusted, other) = (Authority::new("trusted"), Authority::new("unheard of"));
        let means = Self {
            server: trusted.issue_to_server("localhost"),
            client: trusted.issue_to_device(IDENTITY),
            stranger: other.issue_to_device(IDENTITY),
            authority: trusted.pair,
            folder,
        };
        for name in ["authority", "server", "client", "stranger"] {
            let pair = means.pair(name);
            means.write(&format!("{name}.der"), &pair.certificate);
            means.write(&format!("{name}-key.der"), &pair.key);
            means.write(&format!("{name}-public.der"), &pair.public);
            means.write(&format!("{name}.pem"), pair.certificate_pem.as_bytes());
            means.write(&format!("{name}-key.pem"), pair.key_pem.as_bytes());
            means.write(
                &format!("{name}-pair.pem"),
                format!("{}{}", pair.public_pem, pair.key_pem).as_bytes(),
            );
        }
        means
    }

    /// Where a file is.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// By its name.
    pub fn pair(&self, name: &str) -> &Pair {
        match name {
            "authority" => &self.authority,
            "server" => &self.server,
            "client" => &self.client,
            "stranger" => &self.stranger,
            _ => panic!("nobody is called {name}"),
        }
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.path(file), bytes).expect("there is room for temporary files");
    }
}
