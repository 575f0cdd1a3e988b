//! The REST API: what programs and the command line use. Start with [`v1`].

pub mod v1;
