//! A disk for SQLite that loses its power, fills up, turns read-only, gets slow, or fails at its n-th call.
//!
//! [`Disk`] takes a folder: each database that this process opens there through SQLite is on that disk. What is written and
//! not synced yet is remembered, and when the power comes back ([`Disk::power_on`]) only a seeded part of it is there, in
//! any order and torn between sectors. Files elsewhere are none of its business.
//!
//! What is modelled: the content and the length of files, and their names (one that was made is there for certain
//! after its first sync, one that was deleted is gone for certain when its folder was synced). What is not: folders,
//! names that something else than SQLite made, sectors that lie, reads that rot. A sector of 512 bytes is written or
//! not, and no write touches what stands beside it.

mod disk;
mod fault;
mod image;
mod vfs;

pub use disk::Disk;
pub use fault::{Call, Lasts};
