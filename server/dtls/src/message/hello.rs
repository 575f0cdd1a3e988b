//! ClientHello, ServerHello and HelloVerifyRequest (RFC 5246 §7.4.1, RFC 6347 §4.2.1).

use super::{
    Extensions,
    reader::{Malformed, Reader, Writer},
};
use crate::{
    Suite,
    cipher::Side,
    record::{VERSION_1_0, VERSION_1_2},
};

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// The null compression, the only one there is.
const NO_COMPRESSION: u8 = 0;

/// The longest session id.
const SESSION_ID: usize = 32;

/// How a ClientHello begins: enough to ask for its cookie, and to know the cookie again. The first fragment of a
/// ClientHello that was cut holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientHelloStart<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cookie: &'a [u8],
    /// The body up to the cookie's length.
    pub(crate) before_cookie: &'a [u8],
}

/// What a client proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientHello<'a> {
    pub(crate) version: u16,
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cookie: &'a [u8],
    /// Two bytes each; not empty.
    pub(crate) suites: &'a [u8],
    pub(crate) extensions: Extensions<'a>,
    /// The body up to the cookie's length, and from the cookie's end.
    pub(crate) around_cookie: [&'a [u8]; 2],
}

/// What a server has chosen. Its version is 1.2, its compression none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerHello<'a> {
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) suite: u16,
    pub(crate) extensions: Extensions<'a>,
}

/// The question whether a client is where it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HelloVerifyRequest<'a> {
    pub(crate) cookie: &'a [u8],
}

impl<'a> ClientHelloStart<'a> {
    /// Of the body, or of its first fragment.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(body, &mut Reader::new(body))
    }

    fn read(body: &'a [u8], reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let version = reader.u16("version")?;
        let random = reader.chunk("random")?;
        let session_id = session_id(reader)?;
        let before_cookie = &body[..body.len() - reader.rest().len()];
        Ok(Self { version, random, session_id, cookie: reader.vec8("cookie")?, before_cookie })
    }
}

impl<'a> ClientHello<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let start = ClientHelloStart::read(body, &mut reader)?;
        let behind_cookie = reader.rest();
        let suites = reader.vec16("cipher suites")?;
        if suites.is_empty() || suites.len() % 2 != 0 {
            return Err(Malformed { what: "cipher suites" });
        }
        // §7.4.1.2: the list MUST contain the null compression.
        if !reader.vec8("compression methods")?.contains(&NO_COMPRESSION) {
            return Err(Malformed { what: "compression methods" });
        }
        Ok(Self {
            version: start.version,
            random: start.random,
            session_id: start.session_id,
            cookie: start.cookie,
            suites,
            extensions: Extensions::parse(&mut reader, Side::Client)?,
            around_cookie: [start.before_cookie, behind_cookie],
        })
    }

    /// The body of a client's own. It says that it knows of RFC 5746.
    pub(crate) fn write(
        random: &[u8; 32],
        session_id: &[u8],
        cookie: &[u8],
        suites: &[Suite],
        extensions: &Extensions<'_>,
    ) -> Vec<u8> {
        let mut out = Writer::default();
        out.u16(VERSION_1_2);
        out.bytes(random);
        out.vec8(session_id);
        out.vec8(cookie);
        out.nested16(|out| {
            suites.iter().for_each(|suite| out.u16(*suite as u16));
            out.u16(RENEGOTIATION_SCSV);
        });
        out.vec8(&[NO_COMPRESSION]);
        extensions.write(&mut out, Side::Client);
        out.done()
    }

    /// The suites, in the client's order.
    pub(crate) fn suites(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.suites.as_chunks().0.iter().map(|number| u16::from_be_bytes(*number))
    }

    pub(crate) fn offers(&self, suite: Suite) -> bool {
        self.suites().any(|number| number == suite as u16)
    }

    /// Whether the client knows of RFC 5746, and is to be answered in its terms.
    pub(crate) fn knows_renegotiation_info(&self) -> bool {
        self.extensions.renegotiation_info.is_some()
            || self.suites().any(|number| number == RENEGOTIATION_SCSV)
    }
}

impl<'a> ServerHello<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        if reader.u16("version")? != VERSION_1_2 {
            return Err(Malformed { what: "version" });
        }
        let random = reader.chunk("random")?;
        let session_id = session_id(&mut reader)?;
        let suite = reader.u16("cipher suite")?;
        if reader.u8("compression method")? != NO_COMPRESSION {
            return Err(Malformed { what: "compression method" });
        }
        Ok(Self { random, session_id, suite, extensions: Extensions::parse(&mut reader, Side::Server)? })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u16(VERSION_1_2);
        out.bytes(self.random);
        out.vec8(self.session_id);
        out.u16(self.suite);
        out.u8(NO_COMPRESSION);
        self.extensions.write(&mut out, Side::Server);
        out.done()
    }
}

impl<'a> HelloVerifyRequest<'a> {
    /// Whatever version it is of: §4.2.1 leaves it open.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        reader.u16("version")?;
        let cookie = reader.vec8("cookie")?;
        reader.end("hello verify request")?;
        Ok(Self { cookie })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        // §4.2.1: servers SHOULD use DTLS 1.0 whatever version they expect to negotiate.
        out.u16(VERSION_1_0);
        out.vec8(self.cookie);
        out.done()
    }
}

fn session_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let id = reader.vec8("session id")?;
    if id.len() > SESSION_ID {
        return Err(Malformed { what: "session id" });
    }
    Ok(id)
}
