//! One bootstrap of one device, step by step.

/// One bootstrap of one device.
#[derive(Debug)]
pub struct Session {}
