//! The console as a browser without JavaScript sees it: routes, pages and forms over a fleet in memory, whose devices
//! answer from a script.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod browser;
mod world;

mod device;
mod devices;
mod escaping;
mod guards;
mod headers;
mod login;
mod machines;
mod operations;
mod overview;
mod setup;
mod streams;
