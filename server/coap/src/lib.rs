//! A CoAP endpoint as a state machine
