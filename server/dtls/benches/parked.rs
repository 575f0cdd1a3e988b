//! What a parked session costs: 10^6 of them with connection ids and all indexes, at most 320 bytes each, by the resident
//! set of this process.
//!
//! `cargo bench -p dtls --bench parked`.

use std::{error::Error, fs, net::SocketAddr, time::Duration};

use dtls::{Config, Endpoint, Saved, SessionId, Suite, Tag};

mod state;

const SESSIONS: u32 = 1_000_000;
const LIMIT_BYTES: u64 = 320;

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::default();
    let reserved = config.bounds.reserve;
    let mut endpoint = Endpoint::new(config, [7; 32]);
    let state = state::state(Suite::PskAes128Ccm8, false, true, SessionId(0));
    let before = resident_bytes()?;
    for n in 0..SESSIONS {
        let saved = Saved {
            // As ids are given: a part that counts, and one at random.
            id: SessionId(u64::from(n) << 32 | u64::from(n.wrapping_mul(0x9e37_79b1))),
            tag: Tag(n.into()),
            peer: SocketAddr::from((n.to_be_bytes(), 5_684)),
            reserved,
            received: 0,
            state: state.clone().into(),
        };
        endpoint.restore(Duration::from_secs(1), &saved)?;
    }
    let each = (resident_bytes()? - before) / u64::from(SESSIONS);
    println!("{} sessions: {each} bytes each, of {LIMIT_BYTES}", endpoint.usage().sessions);
    if each > LIMIT_BYTES { Err("a session costs too much".into()) } else { Ok(()) }
}

/// `VmRSS` of /proc/self/status, which is in kB.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("there is no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1_024)
}
