//! Muster, a device management server for LwM2M
