//! The hellos of both sides (RFC 5246 §7.4.1, RFC 6347 §4.2.1), and the cipher suites in them.
//!
//! A ClientHello is read to its last byte before the engine sees it: the engine indexes where it should look.

use super::{
    malformed::{Malformed, Reader},
    record::{self, Record, VERSION_1_2},
};

/// A ClientHello that is well-formed.
pub(super) struct ClientHello<'a> {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) session_id: &'a [u8],
    pub(super) cookie: &'a [u8],
    pub(super) suites: Vec<u16>,
    /// Whether there is a block of extensions, be it empty.
    pub(super) extended: bool,
}

/// A ServerHello, as far as keys depend on it.
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    /// RFC 7627.
    pub(super) extended_master_secret: bool,
}

/// Why a ClientHello begins no handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unacceptable {
    Malformed(Malformed),
    Version(u16),
    /// The suites that were offered.
    Suites(Vec<u16>),
}

/// What is served: the PSK suites that the engine has. `TLS_PSK_WITH_AES_128_CCM_8` is mandatory
/// (LwM2M Transport 1.1.1 §5.2.8.1).
pub(super) const SERVED: [u16; 3] = [0xc0a8, 0xc0a4, 0x00a8];

/// Suites that clients of LwM2M offer, for a person to read.
const NAMES: [(u16, &str); 26] = [
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x008c, "TLS_PSK_WITH_AES_128_CBC_SHA"),
    (0x008d, "TLS_PSK_WITH_AES_256_CBC_SHA"),
    (0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256"),
    (0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384"),
    (0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256"),
    (0x00af, "TLS_PSK_WITH_AES_256_CBC_SHA384"),
    (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256"),
    (0xc0a4, "TLS_PSK_WITH_AES_128_CCM"),
    (0xc0a5, "TLS_PSK_WITH_AES_256_CCM"),
    (0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8"),
    (0xc0a9, "TLS_PSK_WITH_AES_256_CCM_8"),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    (0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
    (0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    (0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"),
    (0xd002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384"),
    (0xd003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256"),
    (0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256"),
];

/// How many suites of a list are shown.
const SHOWN: usize = 10;

const EXTENDED_MASTER_SECRET: u16 = 23;

impl From<Malformed> for Unacceptable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl<'a> ClientHello<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let version = reader.u16("version")?;
        let random = random(&mut reader)?;
        let session_id = reader.short("session id")?;
        let cookie = reader.short("cookie")?;
        let suites = reader.long("list of cipher suites")?;
        if suites.is_empty() || suites.len() % 2 != 0 {
            return Err(Malformed::Suites { len: suites.len() });
        }
        let suites = suites.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        if !reader.short("list of compression methods")?.contains(&0) {
            return Err(Malformed::Compression);
        }
        let extended = !reader.is_empty();
        extensions(reader)?.for_each(drop);
        Ok(Self { version, random, session_id, cookie, suites, extended })
    }

    /// Whether a handshake can come of it.
    pub(super) fn acceptable(&self) -> Result<(), Unacceptable> {
        if self.version != VERSION_1_2 {
            return Err(Unacceptable::Version(self.version));
        }
        // The engine reads no session id: it would take its bytes for the cookie's.
        if !self.session_id.is_empty() {
            return Err(Unacceptable::Malformed(Malformed::Resumption));
        }
        if !self.suites.iter().any(|suite| SERVED.contains(suite)) {
            return Err(Unacceptable::Suites(self.suites.clone()));
        }
        Ok(())
    }
}

impl ServerHello {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        reader.u16("version")?;
        let random = random(&mut reader)?;
        reader.short("session id")?;
        let suite = reader.u16("cipher suite")?;
        reader.u8("compression method")?;
        let extended_master_secret = extensions(reader)?.any(|kind| kind == EXTENDED_MASTER_SECRET);
        Ok(Self { random, suite, extended_master_secret })
    }
}

/// The random of the ClientHello that a record begins a handshake with; none if it is no such record.
pub(super) fn beginning(record: &Record<'_>) -> Option<Result<[u8; 32], Unacceptable>> {
    if record.kind != record::HANDSHAKE
        || record.epoch != 0
        || record.body.first() != Some(&record::CLIENT_HELLO)
    {
        return None;
    }
    let read = || {
        let messages = record::messages(record.body)?;
        let first = messages.first().ok_or(Malformed::CutShort { field: "handshake message" })?;
        let hello = ClientHello::parse(first.body)?;
        hello.acceptable()?;
        // One with a cookie belongs to a handshake that is gone: its client begins anew in time.
        Ok((first.sequence == 0).then_some(hello.random))
    };
    read().transpose()
}

/// Suites as a person reads them.
pub(super) fn names(suites: &[u16]) -> String {
    let name = |suite: &u16| match NAMES.iter().find(|(id, _)| id == suite) {
        Some((id, name)) => format!("{name} (0x{id:04X})"),
        None => format!("0x{suite:04X}"),
    };
    let mut text = suites.iter().take(SHOWN).map(name).collect::<Vec<_>>().join(", ");
    if suites.len() > SHOWN {
        text.push_str(&format!(" and {} more", suites.len() - SHOWN));
    }
    text
}

fn random(reader: &mut Reader<'_>) -> Result<[u8; 32], Malformed> {
    let mut random = [0; 32];
    random.copy_from_slice(reader.take(32, "random")?);
    Ok(random)
}

/// The types of the extensions that a hello ends with (RFC 5246 §7.4.1.4): none, or a block that fits exactly.
fn extensions(mut reader: Reader<'_>) -> Result<impl Iterator<Item = u16>, Malformed> {
    let mut kinds = Vec::new();
    if !reader.is_empty() {
        let mut block = Reader::new(reader.long("block of extensions")?);
        reader.end("block of extensions")?;
        while !block.is_empty() {
            kinds.push(block.u16("extension")?);
            block.long("extension")?;
        }
    }
    Ok(kinds.into_iter())
}
