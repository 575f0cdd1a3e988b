//! The clients, and what they are told to do.

use std::time::Duration;

use super::{
    Cell, Feature, Host, Means, Proof, dimpl, libcoap, openssl, peers, python,
    scandium::{self, Scandium},
    webrtc,
};
use crate::Missing;

/// A client written by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The Rust crate, which has no socket.
    Dimpl,
    /// Eclipse Leshan's LwM2M client, on Scandium.
    Leshan,
    /// libcoap's `coap-client`, built with GnuTLS.
    LibcoapGnutls,
    /// The same, built with OpenSSL.
    LibcoapOpenssl,
    /// Mbed TLS, by `python-mbedtls`.
    Mbedtls,
    /// OpenSSL's `s_client`.
    Openssl,
    /// Eclipse Californium's Scandium, in the harness of `clients/scandium`.
    Scandium,
    /// tinydtls, by `DTLSSocket`.
    Tinydtls,
    /// Eclipse Wakaama's LwM2M client, on its tinydtls.
    Wakaama,
    /// The Rust crate webrtc-dtls.
    WebrtcDtls,
}

/// Does what it is told.
pub trait Speaks {
    /// Does a task.
    ///
    /// # Errors
    /// If it can't be asked for, or fails.
    fn talk(&mut self, task: &Task<'_>) -> Result<(), NotDone>;
}

/// What a client is to do: open a session with the host, say [`Task::TEXT`] and hear the answer; and what the cell's feature
/// says beside it.
#[derive(Debug)]
pub struct Task<'a> {
    /// What is tried.
    pub cell: Cell,
    /// Whom to talk to.
    pub host: &'a Host,
    /// What to prove oneself by.
    pub means: &'a Means,
}

/// Why a client has not done it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// There is no way to ask it for that.
    NoWay,
    /// It was asked, and it failed. What it said.
    Failed(String),
}

impl Foreign {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Dimpl,
        Self::Leshan,
        Self::LibcoapGnutls,
        Self::LibcoapOpenssl,
        Self::Mbedtls,
        Self::Openssl,
        Self::Scandium,
        Self::Tinydtls,
        Self::Wakaama,
        Self::WebrtcDtls,
    ];

    /// As it stands in the table, and in `expectations.toml` after `dtls `.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dimpl => "dimpl",
            Self::Leshan => "leshan",
            Self::LibcoapGnutls => "libcoap-gnutls",
            Self::LibcoapOpenssl => "libcoap-openssl",
            Self::Mbedtls => "mbedtls",
            Self::Openssl => "openssl",
            Self::Scandium => "scandium",
            Self::Tinydtls => "tinydtls",
            Self::Wakaama => "wakaama",
            Self::WebrtcDtls => "webrtc-dtls",
        }
    }

    /// Makes sure that it can be run.
    ///
    /// # Errors
    /// If something is missing for it.
    pub fn prepare(self) -> Result<(), Missing> {
        match self {
            Self::Dimpl | Self::WebrtcDtls => Ok(()),
            Self::Leshan | Self::Wakaama => peers::prepare(self),
            Self::LibcoapGnutls | Self::LibcoapOpenssl => libcoap::prepare(self),
            Self::Mbedtls | Self::Tinydtls => python::prepare(),
            Self::Openssl => openssl::prepare(),
            Self::Scandium => scandium::prepare(),
        }
    }

    /// Whether a cell is worth its time with it: an LwM2M client that takes seconds to start, on a library that is tried by
    /// itself, is tried with one suite a proof.
    pub fn tries(self, cell: Cell) -> bool {
        !matches!(self, Self::Leshan | Self::Wakaama) || cell.suite == cell.proof.mandatory()
    }

    /// What does tasks with it, one after the other.
    pub fn start(self, means: &Means) -> Box<dyn Speaks> {
        match self {
            Self::Scandium => Box::new(Scandium::start(means)),
            _ => Box::new(self),
        }
    }
}

impl Speaks for Foreign {
    fn talk(&mut self, task: &Task<'_>) -> Result<(), NotDone> {
        match *self {
            Self::Dimpl => dimpl::talk(task),
            Self::Leshan | Self::Wakaama => peers::talk(*self, task),
            Self::LibcoapGnutls | Self::LibcoapOpenssl => libcoap::talk(*self, task),
            Self::Mbedtls => python::mbedtls(task),
            Self::Openssl => openssl::talk(task),
            Self::Scandium => Scandium::start(task.means).talk(task),
            Self::Tinydtls => python::tinydtls(task),
            Self::WebrtcDtls => webrtc::talk(task),
        }
    }
}

impl Task<'_> {
    /// What is said. No message of CoAP begins so, and no command of a client.
    pub const TEXT: &'static str = "#greetings from afar";

    /// How long a client may take for all of it.
    pub const WITHIN: Duration = Duration::from_secs(20);

    /// The longest datagram where they are to be small.
    pub const SMALL_MTU: usize = 256;

    /// The feature of the cell.
    pub fn feature(&self) -> Feature {
        self.cell.feature
    }

    /// The pre-shared key that the client is given.
    pub fn key(&self) -> Vec<u8> {
        if self.is_stranger() { b"the-wrong-key-16".to_vec() } else { super::KEY.to_vec() }
    }

    /// Whose key and certificate the client is given.
    pub fn own(&self) -> &'static str {
        if self.is_stranger() { "stranger" } else { "client" }
    }

    /// Whether it is a session by a pre-shared key.
    pub fn is_psk(&self) -> bool {
        self.cell.proof == Proof::Psk
    }

    fn is_stranger(&self) -> bool {
        self.cell.feature == Feature::Stranger
    }
}
