//! A device and a tiny server made of a CoAP endpoint, over a seeded link, on virtual time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "life/accounts.rs"]
mod accounts;
#[path = "life/bootstrap.rs"]
mod bootstrap;
#[path = "life/drift.rs"]
mod drift;
#[path = "life/management.rs"]
mod management;
#[path = "life/power.rs"]
mod power;
#[path = "life/provisioning.rs"]
mod provisioning;
#[path = "life/queue.rs"]
mod queue;
#[path = "life/reading.rs"]
mod reading;
#[path = "life/registration.rs"]
mod registration;
#[path = "life/reporting.rs"]
mod reporting;
#[path = "life/simulation.rs"]
mod simulation;
#[path = "life/world.rs"]
mod world;
#[path = "life/writing.rs"]
mod writing;
