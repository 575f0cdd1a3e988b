//! Tests of the content formats: by vectors and by round trips.

mod common;
mod round_trip;
mod vectors;
