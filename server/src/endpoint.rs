//! The devices' side of the server: sockets, and the shards that speak with devices through them.
//!
//! [`shard::Shard`] is a state machine without I/O: datagrams, orders, time and the results of commits go in, datagrams,
//! commits and events come out. [`driver`] owns one shard, feeds it from the sockets of [`udp`], and hands its commits
//! to the store.

pub(crate) mod driver;
pub(crate) mod shard;
pub(crate) mod udp;
