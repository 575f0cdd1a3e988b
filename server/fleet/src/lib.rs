//! The domain: devices, registrations, operations, people
