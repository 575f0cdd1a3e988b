//! The corpus of the fuzz targets, replayed: what they found once stays found.
