//! The rows of the database, one table a file. They never leave [`store`](super): `encoding` turns them into domain types.
#![expect(unreachable_pub, reason = "the derive makes everything public; the module itself is not")]

pub(super) mod api_token;
pub(super) mod audit;
pub(super) mod authority;
pub(super) mod bootstrap_session;
pub(super) mod claim;
pub(super) mod claimed;
pub(super) mod class;
pub(super) mod class_plan;
pub(super) mod credential;
pub(super) mod delivery;
pub(super) mod device;
pub(super) mod device_plan;
pub(super) mod diary;
pub(super) mod domain;
pub(super) mod dtls_session;
pub(super) mod event_log;
pub(super) mod lease;
pub(super) mod model;
pub(super) mod node;
pub(super) mod observation;
pub(super) mod operation;
pub(super) mod own_key;
pub(super) mod registration;
pub(super) mod seen_certificate;
pub(super) mod submission;
pub(super) mod tally;
pub(super) mod timeline;
pub(super) mod user_account;
pub(super) mod value_history;
pub(super) mod value_latest;
pub(super) mod web_session;
pub(super) mod webhook;
