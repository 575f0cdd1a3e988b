//! What is tried: a way to prove oneself, a suite, and what else the session has.

use dtls::Suite;

/// One thing to try with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How client and server prove who they are.
    pub proof: Proof,
    /// The only suite that is served.
    pub suite: Suite,
    /// What else there is to it.
    pub feature: Feature,
}

/// How client and server prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// By a key that both have (RFC 4279).
    Psk,
    /// By raw public keys, both of them (RFC 7250).
    RawPublicKey,
    /// By X.509, both of them.
    Certificate,
}

/// What there is to a session beside its suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Nothing: a handshake, and data both ways.
    Plain,
    /// The client uses a connection id (RFC 9146).
    ConnectionId,
    /// A second session goes on with the keys of the first one (RFC 5246 §7.3).
    Resumption,
    /// With a connection id, the client's address changes between its records.
    AddressChange,
    /// Handshake messages are cut in fragments both ways (RFC 6347 §4.2.3), where the client can be told to.
    SmallDatagrams,
    /// The server is started anew between two messages of a session, which goes on.
    Restart,
    /// The client's key is not the one the server knows, or its certificate of an authority the server does not.
    Stranger,
}

impl Cell {
    /// All there are: every suite plain, with a connection id and resumed; the rest with one suite a proof.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for proof in Proof::ALL {
            for suite in proof.suites() {
                let with = |feature| Self { proof, suite, feature };
                cells.extend([Feature::Plain, Feature::ConnectionId, Feature::Resumption].map(with));
                if suite == proof.mandatory() {
                    cells.extend(Feature::WITH_ONE_SUITE.map(with));
                }
            }
        }
        cells
    }

    /// Such as `psk, TLS_PSK_WITH_AES_128_CCM_8, connection id`.
    pub fn name(self) -> String {
        self.parts().collect::<Vec<_>>().join(", ")
    }

    /// Whether all the words between the commas of a key are said of it: `rpk`, or `psk, connection id`.
    pub fn is_meant_by(self, key: &str) -> bool {
        key.split(", ").all(|word| self.parts().any(|part| part == word))
    }

    fn parts(self) -> impl Iterator<Item = &'static str> {
        [Some(self.proof.name()), Some(self.suite.name()), self.feature.name()].into_iter().flatten()
    }
}

impl Proof {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Psk, Self::RawPublicKey, Self::Certificate];

    /// The suites that go with it.
    pub fn suites(self) -> impl Iterator<Item = Suite> {
        Suite::ALL.into_iter().filter(move |suite| suite.name().contains("PSK") == (self == Self::Psk))
    }

    /// The one that LwM2M wants every client to have (LwM2M Transport 1.1.1 §5.2.7 to §5.2.9).
    pub fn mandatory(self) -> Suite {
        if self == Self::Psk { Suite::PskAes128Ccm8 } else { Suite::EcdheEcdsaAes128Ccm8 }
    }

    /// As it stands in the table, and in the arguments of clients.
    pub fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::RawPublicKey => "rpk",
            Self::Certificate => "x509",
        }
    }
}

impl Feature {
    /// Those that are tried with one suite a proof.
    pub const WITH_ONE_SUITE: [Self; 4] =
        [Self::AddressChange, Self::SmallDatagrams, Self::Restart, Self::Stranger];

    /// As it stands in the table; nothing has no name.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::ConnectionId => Some("connection id"),
            Self::Resumption => Some("resumption"),
            Self::AddressChange => Some("address change"),
            Self::SmallDatagrams => Some("small datagrams"),
            Self::Restart => Some("restart of the server"),
            Self::Stranger => Some("a stranger is refused"),
        }
    }

    /// Whether the client is to offer a connection id.
    pub fn has_connection_id(self) -> bool {
        matches!(self, Self::ConnectionId | Self::AddressChange)
    }
}
