//! The REST API as a program sees it: routes, bodies and streams over a fleet in memory, whose devices answer from a
//! script.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod world;

#[path = "../common/issuer.rs"]
mod issuer;

#[path = "../common/images.rs"]
mod images;

mod certificates;
mod configuration;
mod document;
mod events;
mod flows;
mod hostile;
mod matrix;
mod once;
mod operations;
mod problems;
mod queue;
mod updates;
mod verbs;
mod wishes;
