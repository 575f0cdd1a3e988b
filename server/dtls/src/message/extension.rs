//! What hellos say beyond their fields (RFC 5246 §7.4.1.4).

use super::reader::{Malformed, Reader, Writer};
use crate::cipher::Side;

/// The registry's numbers.
mod number {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const MAX_FRAGMENT_LENGTH: u16 = 1;
    pub(super) const SUPPORTED_GROUPS: u16 = 10;
    pub(super) const EC_POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
    pub(super) const SERVER_CERTIFICATE_TYPE: u16 = 20;
    pub(super) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(super) const RECORD_SIZE_LIMIT: u16 = 28;
    pub(super) const CONNECTION_ID: u16 = 54;
    pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// ecdsa_secp256r1_sha256 (RFC 5246 §7.4.1.4.1: SHA-256 with ECDSA).
pub(crate) const ECDSA_SHA256: u16 = 0x0403;
/// SHA-384 with ECDSA.
pub(crate) const ECDSA_SHA384: u16 = 0x0503;

/// The name type of host names (RFC 6066 §3).
const HOST_NAME: u8 = 0;
/// The longest host name there is (RFC 1035 §2.3.4).
const NAME: usize = 255;
/// The least record_size_limit (RFC 8449 §4).
const LEAST_RECORD: u16 = 64;
/// The uncompressed point format (RFC 8422 §5.1.2), the only one that is left.
const UNCOMPRESSED: u8 = 0;

/// The extensions of a hello, its sender's. Those that are not known here are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions<'a> {
    /// RFC 6066 §3. The server's is empty: it took note.
    pub(crate) server_name: Option<&'a str>,
    /// RFC 6066 §4.
    pub(crate) max_fragment: Option<MaxFragment>,
    /// RFC 8449: of plaintexts that this side takes.
    pub(crate) record_size_limit: Option<u16>,
    /// RFC 8422 §5.1.1, two bytes each.
    pub(crate) groups: Option<&'a [u8]>,
    /// RFC 8422 §5.1.2. Whether it is there: it always lists the uncompressed one.
    pub(crate) point_formats: bool,
    /// RFC 5246 §7.4.1.4.1, two bytes each.
    pub(crate) signature_algorithms: Option<&'a [u8]>,
    /// RFC 7250 §3: what the client has, best first; the server's is the one it chose.
    pub(crate) client_certificate_types: Option<&'a [u8]>,
    /// RFC 7250 §3: what the client takes, best first; the server's is the one it chose.
    pub(crate) server_certificate_types: Option<&'a [u8]>,
    /// RFC 7366.
    pub(crate) encrypt_then_mac: bool,
    /// RFC 7627.
    pub(crate) extended_master_secret: bool,
    /// RFC 9146 §3: what its peer is to write to it.
    pub(crate) connection_id: Option<&'a [u8]>,
    /// RFC 5746: empty in a first handshake.
    pub(crate) renegotiation_info: Option<&'a [u8]>,
    /// Whether there are others.
    pub(crate) unknown: bool,
}

/// Fragments no longer than that (RFC 6066 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum MaxFragment {
    Bytes512 = 1,
    Bytes1024 = 2,
    Bytes2048 = 3,
    Bytes4096 = 4,
}

/// A group to agree on keys in (RFC 8422 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Group {
    Secp256r1 = 23,
    X25519 = 29,
}

/// What a Certificate message holds (RFC 7250 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum CertificateType {
    X509 = 0,
    RawPublicKey = 2,
}

impl<'a> Extensions<'a> {
    /// Reads the rest of a hello: nothing, or a block of extensions.
    pub(crate) fn parse(hello: &mut Reader<'a>, from: Side) -> Result<Self, Malformed> {
        let mut extensions = Self::default();
        if hello.is_empty() {
            return Ok(extensions);
        }
        let mut block = Reader::new(hello.vec16("extensions")?);
        hello.end("extensions")?;
        let mut seen = Seen(0);
        while !block.is_empty() {
            let number = block.u16("extensions")?;
            let body = Reader::new(block.vec16("extensions")?);
            seen.first(number)?;
            extensions.read(number, body, from)?;
        }
        Ok(extensions)
    }

    fn read(&mut self, number: u16, mut body: Reader<'a>, from: Side) -> Result<(), Malformed> {
        let what = what(number);
        match number {
            number::SERVER_NAME if from == Side::Client => self.server_name = host_name(&mut body)?,
            number::SERVER_NAME => self.server_name = Some(""),
            number::MAX_FRAGMENT_LENGTH => {
                let code = body.u8(what)?;
                self.max_fragment = Some(MaxFragment::of(code).ok_or(Malformed { what })?);
            }
            number::RECORD_SIZE_LIMIT => {
                let limit = body.u16(what)?;
                if limit < LEAST_RECORD {
                    return Err(Malformed { what });
                }
                self.record_size_limit = Some(limit);
            }
            number::SUPPORTED_GROUPS => self.groups = Some(pairs(&mut body, what)?),
            number::EC_POINT_FORMATS => {
                // §5.1.2: a list without the uncompressed one is an illegal_parameter.
                if !body.vec8(what)?.contains(&UNCOMPRESSED) {
                    return Err(Malformed { what });
                }
                self.point_formats = true;
            }
            number::SIGNATURE_ALGORITHMS => self.signature_algorithms = Some(pairs(&mut body, what)?),
            number::CLIENT_CERTIFICATE_TYPE => {
                self.client_certificate_types = Some(certificate_types(&mut body, from, what)?);
            }
            number::SERVER_CERTIFICATE_TYPE => {
                self.server_certificate_types = Some(certificate_types(&mut body, from, what)?);
            }
            number::ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            number::EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            number::CONNECTION_ID => self.connection_id = Some(body.vec8(what)?),
            number::RENEGOTIATION_INFO => self.renegotiation_info = Some(body.vec8(what)?),
            _ => {
                self.unknown = true;
                return Ok(());
            }
        }
        body.end(what)
    }

    /// Appends the block; nothing if there are none.
    pub(crate) fn write(&self, out: &mut Writer, from: Side) {
        if *self == Self::default() {
            return;
        }
        out.nested16(|out| {
            if let Some(name) = self.server_name {
                extension(out, number::SERVER_NAME, |out| {
                    if from == Side::Client {
                        out.nested16(|out| {
                            out.u8(HOST_NAME);
                            out.vec16(name.as_bytes());
                        });
                    }
                });
            }
            if let Some(max) = self.max_fragment {
                extension(out, number::MAX_FRAGMENT_LENGTH, |out| out.u8(max as u8));
            }
            if let Some(limit) = self.record_size_limit {
                extension(out, number::RECORD_SIZE_LIMIT, |out| out.u16(limit));
            }
            if let Some(groups) = self.groups {
                extension(out, number::SUPPORTED_GROUPS, |out| out.vec16(groups));
            }
            if self.point_formats {
                extension(out, number::EC_POINT_FORMATS, |out| out.vec8(&[UNCOMPRESSED]));
            }
            if let Some(algorithms) = self.signature_algorithms {
                extension(out, number::SIGNATURE_ALGORITHMS, |out| out.vec16(algorithms));
            }
            let types = [
                (number::CLIENT_CERTIFICATE_TYPE, self.client_certificate_types),
                (number::SERVER_CERTIFICATE_TYPE, self.server_certificate_types),
            ];
            for (number, types) in types {
                match types {
                    Some(types) if from == Side::Client => extension(out, number, |out| out.vec8(types)),
                    Some(types) => extension(out, number, |out| out.bytes(types)),
                    None => {}
                }
            }
            if self.encrypt_then_mac {
                extension(out, number::ENCRYPT_THEN_MAC, |_| {});
            }
            if self.extended_master_secret {
                extension(out, number::EXTENDED_MASTER_SECRET, |_| {});
            }
            if let Some(cid) = self.connection_id {
                extension(out, number::CONNECTION_ID, |out| out.vec8(cid));
            }
            if let Some(info) = self.renegotiation_info {
                extension(out, number::RENEGOTIATION_INFO, |out| out.vec8(info));
            }
        });
    }

    /// Whether the peer can verify such a signature. Whoever names none is taken to know SHA-256: those that know no better
    /// than RFC 5246's default, SHA-1, can't speak our suites.
    pub(crate) fn has_signature(&self, algorithm: u16) -> bool {
        self.signature_algorithms.is_none_or(|algorithms| lists(algorithms, algorithm))
    }
}

impl MaxFragment {
    fn of(code: u8) -> Option<Self> {
        [Self::Bytes512, Self::Bytes1024, Self::Bytes2048, Self::Bytes4096]
            .into_iter()
            .find(|max| *max as u8 == code)
    }

    pub(crate) fn len(self) -> usize {
        256 << self as u8
    }
}

impl Group {
    pub(crate) fn of(number: u16) -> Option<Self> {
        [Self::Secp256r1, Self::X25519].into_iter().find(|group| *group as u16 == number)
    }
}

/// Whether a list of two bytes each has a number.
pub(crate) fn lists(list: &[u8], number: u16) -> bool {
    list.as_chunks().0.contains(&number.to_be_bytes())
}

/// Which of the known extensions have come.
struct Seen(u16);

impl Seen {
    /// There MUST NOT be more than one of the same type. Of those that are passed over it does not matter.
    fn first(&mut self, number: u16) -> Result<(), Malformed> {
        let Some(bit) = KNOWN.iter().position(|(known, _)| *known == number) else {
            return Ok(());
        };
        if self.0 & 1 << bit != 0 {
            return Err(Malformed { what: what(number) });
        }
        self.0 |= 1 << bit;
        Ok(())
    }
}

/// The known extensions, and what they are called.
const KNOWN: [(u16, &str); 12] = [
    (number::SERVER_NAME, "server_name"),
    (number::MAX_FRAGMENT_LENGTH, "max_fragment_length"),
    (number::SUPPORTED_GROUPS, "supported_groups"),
    (number::EC_POINT_FORMATS, "ec_point_formats"),
    (number::SIGNATURE_ALGORITHMS, "signature_algorithms"),
    (number::CLIENT_CERTIFICATE_TYPE, "client_certificate_type"),
    (number::SERVER_CERTIFICATE_TYPE, "server_certificate_type"),
    (number::ENCRYPT_THEN_MAC, "encrypt_then_mac"),
    (number::EXTENDED_MASTER_SECRET, "extended_master_secret"),
    (number::RECORD_SIZE_LIMIT, "record_size_limit"),
    (number::CONNECTION_ID, "connection_id"),
    (number::RENEGOTIATION_INFO, "renegotiation_info"),
];

fn what(number: u16) -> &'static str {
    KNOWN.iter().find(|(known, _)| *known == number).map_or("extension", |(_, name)| name)
}

fn extension(out: &mut Writer, number: u16, write: impl FnOnce(&mut Writer)) {
    out.u16(number);
    out.nested16(write);
}

/// A list of numbers of two bytes, at least one.
fn pairs<'a>(body: &mut Reader<'a>, what: &'static str) -> Result<&'a [u8], Malformed> {
    let list = body.vec16(what)?;
    if list.is_empty() || list.len() % 2 != 0 {
        return Err(Malformed { what });
    }
    Ok(list)
}

/// The client lists what it has, the server says the one it chose (RFC 7250 §3).
fn certificate_types<'a>(
    body: &mut Reader<'a>,
    from: Side,
    what: &'static str,
) -> Result<&'a [u8], Malformed> {
    let types = match from {
        Side::Client => body.vec8(what)?,
        Side::Server => body.take(1, what)?,
    };
    if types.is_empty() { Err(Malformed { what }) } else { Ok(types) }
}

/// The host name of a list of names, of which there is at most one of each type (RFC 6066 §3).
fn host_name<'a>(body: &mut Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    let malformed = Malformed { what: "server_name" };
    let mut list = Reader::new(body.vec16(malformed.what)?);
    let mut host = None;
    while !list.is_empty() {
        let kind = list.u8(malformed.what)?;
        let name = list.vec16(malformed.what)?;
        if kind != HOST_NAME {
            continue;
        }
        if host.is_some() || name.is_empty() || name.len() > NAME || !name.is_ascii() {
            return Err(malformed);
        }
        host = Some(str::from_utf8(name).map_err(|_| malformed)?);
    }
    Ok(host)
}
