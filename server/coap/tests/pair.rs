//! Two endpoints over a link that loses, doubles, reorders and delays, on virtual time.

#[path = "pair/exchange.rs"]
mod exchange;
#[path = "pair/link.rs"]
mod link;
