//! The first version of the REST API, `/api/v1`. Start with [`types`], the bodies that go over the wire.

pub mod types;
