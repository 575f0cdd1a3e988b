//! Two endpoints over a link that loses, doubles, reorders and delays, on virtual time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "pair/amplification.rs"]
mod amplification;
#[path = "pair/block.rs"]
mod block;
#[path = "pair/broken.rs"]
mod broken;
#[path = "pair/exchange.rs"]
mod exchange;
#[path = "pair/input.rs"]
mod input;
#[path = "pair/link.rs"]
mod link;
#[path = "pair/loss.rs"]
mod loss;
#[path = "pair/observe.rs"]
mod observe;
#[path = "pair/peers.rs"]
mod peers;
#[path = "pair/simulation.rs"]
mod simulation;
#[path = "pair/streamed.rs"]
mod streamed;
#[path = "pair/transfer.rs"]
mod transfer;
