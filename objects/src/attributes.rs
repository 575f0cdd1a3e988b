//! Notification attributes: when an observed node is reported.
