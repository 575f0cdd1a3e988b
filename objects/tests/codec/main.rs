//! Tests of the content formats: by vectors and by round trips.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod round_trip;
mod vectors;
