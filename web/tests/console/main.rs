//! The console as a browser without JavaScript sees it: routes, pages and forms over a fleet in memory, whose devices
//! answer from a script.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod access;
mod artefacts;
mod browser;
mod sample;
mod world;

#[path = "../common/issuer.rs"]
mod issuer;

#[path = "../common/images.rs"]
mod images;

mod certificates;
mod configuration;
mod connecting;
mod crawl;
mod device;
mod devices;
mod diary;
mod enrolment;
mod escaping;
mod exports;
mod groups;
mod guards;
mod headers;
mod identity;
mod login;
mod machines;
mod models;
mod operations;
mod overview;
mod queue;
mod roles;
mod settings;
mod setup;
mod streams;
mod updates;
mod wishes;
