//! ServerKeyExchange and ClientKeyExchange (RFC 4279 §2, RFC 5489 §2, RFC 8422 §5.4, §5.7).

use super::{
    Group,
    reader::{Malformed, Reader, Writer},
};
use crate::suite::KeyExchange;

/// ECCurveType named_curve (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

/// The longest PSK identity: what RFC 4279 §5.3 demands, and no more.
pub(crate) const IDENTITY: usize = 128;

/// The server's half of a key agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EcdhParams<'a> {
    pub(crate) group: Group,
    pub(crate) public: &'a [u8],
    /// As they are signed.
    pub(crate) bytes: &'a [u8],
}

/// What a server says beyond its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerKeyExchange<'a> {
    Psk { hint: &'a [u8] },
    EcdhePsk { hint: &'a [u8], params: EcdhParams<'a> },
    EcdheEcdsa { params: EcdhParams<'a>, algorithm: u16, signature: &'a [u8] },
}

/// What a client says of its half. A PSK identity is of 1 to [`IDENTITY`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKeyExchange<'a> {
    Psk { identity: &'a [u8] },
    EcdhePsk { identity: &'a [u8], public: &'a [u8] },
    EcdheEcdsa { public: &'a [u8] },
}

impl<'a> EcdhParams<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let from = reader.rest();
        if reader.u8("curve type")? != NAMED_CURVE {
            return Err(Malformed { what: "curve type" });
        }
        let group = Group::of(reader.u16("curve")?).ok_or(Malformed { what: "curve" })?;
        let public = public(reader)?;
        Ok(Self { group, public, bytes: &from[..from.len() - reader.rest().len()] })
    }

    /// The bytes of one's own: to be signed, and to be `bytes` of what is written.
    pub(crate) fn write(group: Group, public: &[u8]) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(NAMED_CURVE);
        out.u16(group as u16);
        out.vec8(public);
        out.done()
    }
}

impl<'a> ServerKeyExchange<'a> {
    pub(crate) fn parse(exchange: KeyExchange, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let message = match exchange {
            KeyExchange::Psk => Self::Psk { hint: reader.vec16("PSK identity hint")? },
            KeyExchange::EcdhePsk => Self::EcdhePsk {
                hint: reader.vec16("PSK identity hint")?,
                params: EcdhParams::read(&mut reader)?,
            },
            KeyExchange::EcdheEcdsa => Self::EcdheEcdsa {
                params: EcdhParams::read(&mut reader)?,
                algorithm: reader.u16("signature algorithm")?,
                signature: reader.vec16("signature")?,
            },
        };
        reader.end("server key exchange")?;
        Ok(message)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Psk { hint } => out.vec16(hint),
            Self::EcdhePsk { hint, params } => {
                out.vec16(hint);
                out.bytes(params.bytes);
            }
            Self::EcdheEcdsa { params, algorithm, signature } => {
                out.bytes(params.bytes);
                out.u16(*algorithm);
                out.vec16(signature);
            }
        }
        out.done()
    }
}

impl<'a> ClientKeyExchange<'a> {
    pub(crate) fn parse(exchange: KeyExchange, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let message = match exchange {
            KeyExchange::Psk => Self::Psk { identity: identity(&mut reader)? },
            KeyExchange::EcdhePsk => {
                Self::EcdhePsk { identity: identity(&mut reader)?, public: public(&mut reader)? }
            }
            KeyExchange::EcdheEcdsa => Self::EcdheEcdsa { public: public(&mut reader)? },
        };
        reader.end("client key exchange")?;
        Ok(message)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Psk { identity } => out.vec16(identity),
            Self::EcdhePsk { identity, public } => {
                out.vec16(identity);
                out.vec8(public);
            }
            Self::EcdheEcdsa { public } => out.vec8(public),
        }
        out.done()
    }
}

fn identity<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let identity = reader.vec16("PSK identity")?;
    if identity.is_empty() || identity.len() > IDENTITY {
        return Err(Malformed { what: "PSK identity" });
    }
    Ok(identity)
}

/// Whether it is a point is seen when it is used.
fn public<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let public = reader.vec8("public key")?;
    if public.is_empty() { Err(Malformed { what: "public key" }) } else { Ok(public) }
}
