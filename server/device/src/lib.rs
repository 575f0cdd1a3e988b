//! A simulated LwM2M device as a state machine: what a server's tests, its simulator and its demonstration talk to.
//!
//! It has no socket, no clock and no source of randomness. A caller feeds [`Device::handle_datagram`] and
//! [`Device::handle_timeout`], calls verbs such as [`Device::start`], [`Device::set`] and [`Device::send`], and after each
//! of them drains [`Device::poll_output`]; then it sleeps until [`Device::poll_timeout`]. Which address it has is the
//! caller's business. It has one server account, is not bootstrapped, and speaks LwM2M 1.0 or 1.1 over plain CoAP.
//!
//! Start with [`Profile`], which says what kind of device it is; [`Device`] is the device, [`Event`] what it tells.
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
pub use device::{Device, SendRefused};

mod event;
pub use event::{Event, Interaction, Output};

mod faults;
pub use faults::{Faults, How, Misbehaviour};

mod observation;

mod profile;
pub use profile::Profile;

mod refusal;

mod registration;

mod security;
pub use security::Inconsistency;

mod tree;
pub use tree::{Tree, TreeError};
