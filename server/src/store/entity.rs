//! The rows of the database, one table a file. They never leave [`store`](super): `encoding` turns them into domain types.
#![expect(unreachable_pub, reason = "the derive makes everything public; the module itself is not")]

pub(super) mod audit;
pub(super) mod delivery;
pub(super) mod device;
pub(super) mod lease;
pub(super) mod node;
pub(super) mod observation;
pub(super) mod operation;
pub(super) mod registration;
pub(super) mod tally;
pub(super) mod timeline;
pub(super) mod user_account;
pub(super) mod value_history;
pub(super) mod value_latest;
pub(super) mod web_session;
