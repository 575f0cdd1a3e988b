//! A device and a tiny server made of a CoAP endpoint, over a seeded link, on virtual time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "life/accounts.rs"]
mod accounts;
#[path = "life/bootstrap.rs"]
mod bootstrap;
#[path = "life/drift.rs"]
mod drift;
#[path = "life/firmware.rs"]
mod firmware;
#[path = "life/firmware_ets.rs"]
mod firmware_ets;
#[path = "life/firmware_faults.rs"]
mod firmware_faults;
#[path = "life/forgetful.rs"]
mod forgetful;
#[path = "life/management.rs"]
mod management;
#[path = "life/power.rs"]
mod power;
#[path = "life/provisioning.rs"]
mod provisioning;
#[path = "life/pulling.rs"]
mod pulling;
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
#[path = "life/software.rs"]
mod software;
#[path = "life/world.rs"]
mod world;
#[path = "life/writing.rs"]
mod writing;
