//! Real handshakes over loopback: webrtc-dtls as the client, or bytes by hand where no client misbehaves so.

mod by_hand;
mod established;
mod handshakes;
mod hostile;
mod world;
