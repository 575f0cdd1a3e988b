//! Real handshakes over loopback: webrtc-dtls as the client, the engine's own where that can do more, or bytes by hand where
//! no client misbehaves so.

mod by_hand;
mod certificates;
mod clients;
mod established;
mod gate;
mod handshakes;
mod hostile;
mod kept;
mod moved;
mod own;
mod wire;
mod world;
