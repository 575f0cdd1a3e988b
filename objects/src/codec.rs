//! Content formats: nodes to bytes and back.
