//! Muster against clients written by others, over real sockets and from the outside.
//!
//! Nothing here knows how the server is built: [`Subject`] runs its binary, [`Console`] uses its pages as a browser
//! without JavaScript does, and a [`Client`] is a device of some [`Peer`]. Start with [`on_every_peer`], which runs a
//! scenario with each of them; `tests` holds the scenarios.
//!
//! What goes wrong here is a failed test, so these functions panic and say what they were waiting for.

mod console;
pub use console::{Console, Credential, Device, Key, NewClaim, Page, Report, Submission};

mod foreign;
pub use foreign::{
    Cell, Feature, Foreign, Host, IDENTITY, KEY, Means, NotDone, Proof, Seen, Speaks, Task, on_every_cell,
    page,
};

pub mod load;

mod maven;

mod patience;
pub use patience::{Deadline, until};

mod peer;
pub use peer::{Client, Event, Peer, Places, Security, Spec, Transport, leshan};

mod pki;
pub use pki::{Authority, Files, Pair};

mod raw;
pub use raw::{Answer, ClientHello, Raw, Refused};

mod relay;
pub use relay::{Ledger, Relay};

mod rest;
pub use rest::Rest;

mod results;
pub use results::{Book, Record, Results};

mod scenario;
pub use scenario::{Stage, alone, on_every_peer, on_every_secure_peer, on_peers};

mod skip;
pub use skip::{Missing, is_ci};

mod subject;
pub use subject::{Interface, Settings, Subject};

mod tap;
pub use tap::{Datagram, Side, Tap};

/// The name of the test function it stands in.
#[macro_export]
macro_rules! here {
    () => {{
        fn here() {}
        std::any::type_name_of_val(&here).trim_end_matches("::here").rsplit("::").next().unwrap_or_default()
    }};
}
