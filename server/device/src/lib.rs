//! A simulated LwM2M device as a state machine
