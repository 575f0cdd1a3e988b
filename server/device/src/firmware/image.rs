//! The packages of simulated devices: a line that says which version it is, and anything behind it.

use std::fmt;

use sha2::{Digest, Sha256};

/// A test image: `MUSTER-TEST 2.0`, a line feed, and padding. It holds no software and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestImage;

impl TestImage {
    /// What each of them is called (`/5/0/6`).
    pub const NAME: &str = "muster-test";
    /// The longest version.
    pub const MAX_VERSION: usize = 40;

    /// The image of a version, of this length, or of the least there is if that is longer.
    pub fn bytes(version: &str, len: usize) -> Vec<u8> {
        let mut image = [MAGIC, version.as_bytes(), b"\n"].concat();
        // Something that differs from block to block, so that two in the wrong order change the digest.
        image.extend((image.len()..len).map(|at| (at.wrapping_mul(at) >> 7) as u8));
        image
    }
}

/// A package that was taken whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivered {
    /// How many bytes it has.
    pub len: usize,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Which version it says it is.
    pub version: String,
}

/// A package on its way: what is kept of it.
#[derive(Clone)]
pub(crate) struct Package {
    len: usize,
    digest: Sha256,
    head: Vec<u8>,
}

/// What the first bytes of a package say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not enough of them are there.
    Unknown,
    /// It is no test image.
    Foreign,
    /// It is one of this version.
    Test(String),
}

impl Package {
    pub(crate) fn new() -> Self {
        Self { len: 0, digest: Sha256::new(), head: Vec::new() }
    }

    /// Takes the bytes that follow.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let room = MAGIC.len() + TestImage::MAX_VERSION + 1 - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.digest.update(bytes);
        self.len += bytes.len();
    }

    /// How many bytes it has so far.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn kind(&self) -> Kind {
        let magic = self.head.len().min(MAGIC.len());
        if self.head[..magic] != MAGIC[..magic] {
            return Kind::Foreign;
        }
        let rest = &self.head[magic..];
        let version = rest.iter().position(|byte| *byte == b'\n').map(|end| &rest[..end]);
        match version.map(std::str::from_utf8) {
            Some(Ok(version)) => Kind::Test(version.to_owned()),
            None if rest.len() <= TestImage::MAX_VERSION => Kind::Unknown,
            Some(Err(_)) | None => Kind::Foreign,
        }
    }

    /// What there is to keep of it when it is whole; nothing if it is no test image.
    pub(crate) fn delivered(self) -> Option<Delivered> {
        let Kind::Test(version) = self.kind() else { return None };
        Some(Delivered { len: self.len, sha256: self.digest.finalize().into(), version })
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest: String = self.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(f, "{} ({} bytes, SHA-256 {digest})", self.version, self.len)
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

const MAGIC: &[u8] = b"MUSTER-TEST ";

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a package that comes in pieces.
    fn kinds(bytes: &[u8], piece: usize) -> Vec<Kind> {
        let mut package = Package::new();
        bytes.chunks(piece).map(|piece| (package.take(piece), package.kind()).1).collect()
    }

    #[test]
    fn an_image_says_its_version_as_soon_as_that_is_there() {
        let image = TestImage::bytes("2.0", 40);
        assert_eq!(image.len(), 40);
        let test = Kind::Test("2.0".into());
        assert_eq!(kinds(&image, 8), [Kind::Unknown, test.clone(), test.clone(), test.clone(), test]);
        assert_eq!(TestImage::bytes("2.0", 3), b"MUSTER-TEST 2.0\n");
    }

    #[test]
    fn what_is_no_test_image_is_foreign() {
        for bytes in [&b"\x7fELF"[..], b"MUSTER-TESTS 2\n", b"MUSTER-TEST \xff\n"] {
            assert_eq!(kinds(bytes, 100), [Kind::Foreign], "{bytes:?}");
        }
        let endless = [MAGIC, &[b'1'; 100]].concat();
        assert_eq!(kinds(&endless, 30).last(), Some(&Kind::Foreign));
        let longest = TestImage::bytes(&"1".repeat(TestImage::MAX_VERSION), 0);
        assert_eq!(kinds(&longest, 100), [Kind::Test("1".repeat(TestImage::MAX_VERSION))]);
    }

    #[test]
    fn the_digest_is_that_of_all_bytes_in_whatever_pieces() {
        let image = TestImage::bytes("1", 5000);
        let mut package = Package::new();
        image.chunks(7).for_each(|piece| package.take(piece));
        let delivered = package.delivered().unwrap();
        assert_eq!(delivered.len, 5000);
        assert_eq!(delivered.sha256, <[u8; 32]>::from(Sha256::digest(&image)));
    }
}
