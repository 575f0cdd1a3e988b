//! A simulated LwM2M device as a state machine: what a server's tests, its simulator and its demonstration talk to.
//!
//! It has no socket, no DTLS, no clock and no source of randomness. A caller feeds [`Device::handle_datagram`] and
//! [`Device::handle_timeout`], calls verbs such as [`Device::start`], [`Device::set`] and [`Device::send`], and after each
//! of them drains [`Device::poll_output`]; then it sleeps until [`Device::poll_timeout`]. It speaks LwM2M 1.0 or 1.1.
//!
//! What the device knows of servers when it comes out of the factory is its [`Factory`]: a management server, a bootstrap
//! server, or both. Whenever it wants a session with one of them it says [`Output::Connect`]; the caller makes the session,
//! secured as the [`Account`] says, and answers with [`Device::connected`] or [`Device::connection_failed`]. A device whose
//! factory names nobody has one management server whose address is the caller's business; it asks for no session. The
//! device works with one management server at a time, the first that has both a Security and a Server instance. It knows
//! no certificates, no OSCORE and no account timeout (`/0/x/12`), and obeys no access control.
//!
//! Start with [`Profile`], which says what kind of device it is; [`Device`] is the device, [`Event`] what it tells, [`Faults`]
//! what it does wrong, [`Life`] what drifts around it, [`Link`] what a network does to what it says and hears.
//!
//! ```
//! use std::time::Duration;
//!
//! use device::{Device, Output, Profile};
//! use objects::{Value, Version};
//!
//! let now = Duration::ZERO;
//! let mut device = Device::new(Profile::sensor("node-7", Version::V1_1), 42);
//! device.start(now);
//! let Some(Output::Transmit { bytes }) = device.poll_output() else { panic!("it registers") };
//! let register = coap::Message::parse(&bytes).unwrap();
//! assert_eq!(register.options.strings(coap::OptionNumber::URI_PATH).unwrap(), ["rd"]);
//!
//! // It gets warmer. Whoever observes that is told; nobody does yet.
//! device.set(now, "/3303/0/5700".parse().unwrap(), Value::Float(21.5)).unwrap();
//! assert_eq!(device.poll_output(), None);
//! ```
//!
//! A runner makes the sessions. Here they are made of nothing:
//!
//! ```
//! use std::time::Duration;
//!
//! use device::{Account, Device, Factory, Output, Profile};
//! use objects::Version;
//!
//! let mut profile = Profile::sensor("node-7", Version::V1_1);
//! profile.factory = Factory::bootstrap(Account::psk("coaps://bootstrap.example", "node-7", b"a key of its own"));
//! let (mut device, mut now) = (Device::new(profile, 42), Duration::ZERO);
//! device.start(now);
//! let mut requests = Vec::new();
//! while now < Duration::from_secs(1) {
//!     while let Some(output) = device.poll_output() {
//!         match output {
//!             // A handshake, and then `connection_failed` if it does not succeed.
//!             Output::Connect { .. } => device.connected(now),
//!             Output::Transmit { bytes } => requests.push(coap::Message::parse(&bytes).unwrap()),
//!             Output::Fetch(_) | Output::Event(_) => {}
//!         }
//!     }
//!     // Wait for a datagram of this session, or for the time.
//!     now = device.poll_timeout().unwrap();
//!     device.handle_timeout(now);
//! }
//! assert_eq!(requests[0].options.strings(coap::OptionNumber::URI_PATH).unwrap(), ["bs"]);
//! ```

#![warn(missing_docs)]

mod account;
pub use account::{Account, BootstrapAccount, Factory, Security};

mod arguments;
pub use arguments::Argument;

mod command;
pub use command::Operation;

mod counters;
pub use counters::Counters;

mod device;
pub use device::{Device, FirmwareStatus, SendRefused};

mod event;
pub use event::{Event, Fetch, Interaction, Output};

mod faults;
pub use faults::{Faults, How, Misbehaviour};

mod firmware;
pub use firmware::{
    Delivered, Delivery, Firmware, FirmwareFault, FirmwareState, Mishap, Protocol, TestImage, UpdateResult,
};

mod life;
pub use life::Life;

mod link;
pub use link::{Link, Weather};

mod observation;

mod profile;
pub use profile::Profile;

mod random;

mod refusal;

mod registration;

mod security;
pub use security::Inconsistency;

mod software;
pub use software::{Software, SoftwareResult, SoftwareState};

mod tree;
pub use tree::{Tree, TreeError};
