//! Load: many devices in one process against a server on this machine, and what the server has acknowledged to each.
//!
//! [`Load`] plays the phases of some [`Options`] with a [`Crowd`] of devices and says what came of it as a [`Report`]. Each
//! device keeps a [`Record`] of what was acknowledged to it; [`compare`] holds the records of a crowd against what [`Stored`] has
//! read from the server's database. A [`Killer`] ends the server again and again meanwhile, as a power cut would.

mod api;
pub use api::ids;

mod crowd;
pub use crowd::{Crowd, Servers};

mod deed;
pub use deed::{Deed, Done};

mod figures;
pub use figures::{Latency, Machine, Moment, PhaseFigures, Report};

mod keys;

mod killer;
pub use killer::Killer;

mod member;

mod options;
pub use options::{Options, Phase};

mod pace;

mod process;
pub use process::Process;

mod play;
pub use play::Load;

mod record;
pub use record::{Record, Series, Standing};

mod stored;
pub use stored::{Row, Stored};

mod verdict;
pub use verdict::{Verdict, compare};

mod wire;
pub use wire::Traffic;
