//! What an endpoint is told once, and what a client is told of a server.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{Bounds, SigningKey, Suite};

/// How an endpoint serves.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it holds at most.
    pub bounds: Bounds,
    /// Stands in the ids of sessions.
    pub node: u8,
    /// The suites it takes, best first. Those whose means are not there are passed over.
    pub suites: Vec<Suite>,
    /// Its certificates; the first one for whoever asks for no name, or one that none has. None: no X.509.
    pub identities: Vec<ServerIdentity>,
    /// Its raw public key (RFC 7250). None: none.
    pub raw_key: Option<Arc<SigningKey>>,
    /// Which of the peers' kinds of proof it takes.
    pub psk: bool,
    /// See `psk`.
    pub raw_public_keys: bool,
    /// See `psk`.
    pub certificates: bool,
    /// Whether connection ids are used with peers that offer them (RFC 9146).
    pub connection_ids: bool,
    /// Whether sessions can be resumed.
    pub resumption: bool,
    /// The longest datagram that handshakes send: larger messages go in fragments.
    pub mtu: usize,
}

/// A certificate to serve with.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    /// The host names it is for (RFC 6066 §3), in lower case.
    pub names: Vec<String>,
    /// The chain in DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// Its key.
    pub key: Arc<SigningKey>,
}

/// How to open a session, as the client.
#[derive(Clone, Debug)]
pub struct Connect {
    /// How this side proves itself.
    pub offer: Offer,
    /// The suites to offer, best first; those that do not go with the offer are left out. Empty for all.
    pub suites: Vec<Suite>,
    /// The host name to ask for.
    pub server_name: Option<String>,
    /// Whether to offer a connection id: an empty one for this side, so that the server gives one of its own.
    pub connection_id: bool,
    /// A session to go on with.
    pub resume: Option<crate::Saved>,
}

/// How a client proves itself, and what it takes from a server.
#[derive(Clone)]
pub enum Offer {
    /// By a pre-shared key, both ways.
    Psk {
        /// Its name.
        identity: Vec<u8>,
        /// The key.
        key: Zeroizing<Vec<u8>>,
    },
    /// By raw public keys.
    RawPublicKey {
        /// Ours.
        key: Arc<SigningKey>,
        /// The server's, as a SubjectPublicKeyInfo in DER.
        server: Vec<u8>,
    },
    /// By X.509.
    Certificate {
        /// Our chain in DER, our own first.
        chain: Vec<Vec<u8>>,
        /// Our key.
        key: Arc<SigningKey>,
        /// The server's own certificate in DER, exactly (LwM2M certificate usage 3).
        server: Vec<u8>,
    },
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Psk { .. } => "Psk(…)",
            Self::RawPublicKey { .. } => "RawPublicKey(…)",
            Self::Certificate { .. } => "Certificate(…)",
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            node: 0,
            suites: Suite::ALL.to_vec(),
            identities: Vec::new(),
            raw_key: None,
            psk: true,
            raw_public_keys: true,
            certificates: true,
            connection_ids: true,
            resumption: true,
            // The least of IPv6 (RFC 8200 §5) less the headers.
            mtu: 1_232,
        }
    }
}
