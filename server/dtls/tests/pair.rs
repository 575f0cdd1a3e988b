//! Two endpoints over a link that loses, doubles, reorders and delays, on virtual time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "pair/amplification.rs"]
mod amplification;
#[path = "pair/certificates.rs"]
mod certificates;
#[path = "pair/conservation.rs"]
mod conservation;
#[path = "pair/defects.rs"]
mod defects;
#[path = "pair/flood.rs"]
mod flood;
#[path = "pair/forged.rs"]
mod forged;
#[path = "pair/fragments.rs"]
mod fragments;
#[path = "pair/hostile.rs"]
mod hostile;
#[path = "pair/link.rs"]
mod link;
#[path = "pair/loss.rs"]
mod loss;
#[path = "pair/matrix.rs"]
mod matrix;
#[path = "pair/nonces.rs"]
mod nonces;
#[path = "pair/pki.rs"]
mod pki;
#[path = "pair/primitives.rs"]
mod primitives;
#[path = "pair/published.rs"]
mod published;
#[path = "pair/puppet.rs"]
mod puppet;
#[path = "pair/restart.rs"]
mod restart;
#[path = "pair/sequences.rs"]
mod sequences;
#[path = "pair/session.rs"]
mod session;
#[path = "pair/simulation.rs"]
mod simulation;
#[path = "pair/terms.rs"]
mod terms;
