//! Where a server is and how the two prove who they are: what a Security instance says (LwM2M Core 1.1.1 §E.1).

use std::{fmt, time::Duration};

use objects::InstanceId;

/// A server, as a device knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where the server is, such as `coaps://host:5684`.
    pub uri: String,
    /// How the two prove who they are.
    pub security: Security,
}

/// The security modes that a device has. `Debug` tells neither identity nor key.
#[derive(Clone, PartialEq, Eq)]
pub enum Security {
    /// Plain CoAP.
    NoSec,
    /// DTLS with a pre-shared key.
    Psk {
        /// The identity.
        identity: Vec<u8>,
        /// The key.
        key: Vec<u8>,
    },
}

/// What a device knows of servers when it comes out of the factory.
///
/// With neither account there is one management server, without security, whose address is the caller's business: the
/// device has no Security object and never asks for a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factory {
    /// The management server of the Server instance that the objects of the profile have.
    pub management: Option<Account>,
    /// The bootstrap server. Where it is all there is, the device has no Server instance.
    pub bootstrap: Option<BootstrapAccount>,
}

/// The account of a bootstrap server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapAccount {
    /// Which instance of the Security object it is.
    pub instance: InstanceId,
    /// The server.
    pub account: Account,
    /// How long to wait before a bootstrap of the device's own, in whole seconds (`/0/x/11`).
    pub hold_off: Duration,
}

impl Account {
    /// A server of plain CoAP.
    pub fn no_sec(uri: &str) -> Self {
        Self { uri: uri.to_owned(), security: Security::NoSec }
    }

    /// A server of DTLS with a pre-shared key.
    pub fn psk(uri: &str, identity: &str, key: &[u8]) -> Self {
        let security = Security::Psk { identity: identity.as_bytes().to_vec(), key: key.to_vec() };
        Self { uri: uri.to_owned(), security }
    }
}

impl Factory {
    /// A device that knows its bootstrap server, in `/0/0` and without hold-off, and nothing else.
    pub fn bootstrap(account: Account) -> Self {
        let bootstrap = BootstrapAccount { instance: InstanceId(0), account, hold_off: Duration::ZERO };
        Self { management: None, bootstrap: Some(bootstrap) }
    }

    /// A device that knows its management server and nothing else.
    pub fn management(account: Account) -> Self {
        Self { management: Some(account), bootstrap: None }
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSec => f.write_str("NoSec"),
            Self::Psk { .. } => f.debug_struct("Psk").finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_identity_nor_key_is_printed() {
        let account = Account::psk("coaps://[::1]:5684", "who", b"AAAA");
        assert_eq!(format!("{account:?}"), "Account { uri: \"coaps://[::1]:5684\", security: Psk { .. } }");
    }
}
