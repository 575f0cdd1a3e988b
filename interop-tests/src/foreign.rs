//! DTLS clients written by others, against Muster's engine alone: what each of them can be asked for, one [`Cell`] at a time.
//!
//! [`Host`] is the engine on a socket, answering whatever it is told; a [`Foreign`] client opens sessions with it and expects
//! its answers. Start with [`on_every_cell`], which plays all cells with one client and keeps what came of them for the table
//! in `DTLS.md`.

mod cell;
pub use cell::{Cell, Feature, Proof};

mod client;
pub use client::{Foreign, NotDone, Speaks, Task};

mod dimpl;

mod host;
pub use host::{Host, Seen};

mod libcoap;

mod matrix;
pub use matrix::on_every_cell;

mod means;
pub use means::{IDENTITY, KEY, Means};

mod openssl;

mod page;
pub use page::page;

mod peers;

mod process;

mod python;

mod relay;

mod scandium;

mod webrtc;
