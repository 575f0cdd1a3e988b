//! Tests of the content formats: by vectors, by round trips, and by the corpus of the fuzz targets.

mod common;
mod corpus;
mod round_trip;
mod vectors;
