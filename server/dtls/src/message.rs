//! Handshake messages (RFC 5246 §7.4, RFC 6347 §4.2.2, RFC 4279, RFC 5489, RFC 7250, RFC 8422): from bytes and to bytes.
//!
//! `fragment` is the header and what it frames, `reassembly` puts fragments together, `hello` is both hellos, `extension`
//! their extensions, `key_exchange` and `certificate` the rest. All parsing is on slices, allocates only what the caller
//! keeps, and takes linear time.

#[cfg(test)]
pub(crate) mod captured;
mod certificate;
mod extension;
mod fragment;
mod hello;
mod key_exchange;
mod reader;
mod reassembly;

pub(crate) use certificate::{
    CertificateRequest, CertificateVerify, ECDSA_SIGN, chain, raw_key, write_chain, write_raw_key,
};
pub(crate) use extension::{
    CertificateType, ECDSA_SHA256, ECDSA_SHA384, Extensions, Group, MaxFragment, lists,
};
pub(crate) use fragment::{Fragment, HEADER, Header, Message, kind, write_message};
pub(crate) use hello::{ClientHello, ClientHelloStart, HelloVerifyRequest, ServerHello};
pub(crate) use key_exchange::{ClientKeyExchange, EcdhParams, IDENTITY, ServerKeyExchange};
pub(crate) use reader::{Malformed, Reader, Writer};
pub(crate) use reassembly::{Reassembly, Taken};

#[cfg(test)]
mod tests;
