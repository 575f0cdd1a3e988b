//! Object definitions: what each object and resource means.
