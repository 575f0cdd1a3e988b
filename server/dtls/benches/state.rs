//! The state of a session in version 1 of its format, as [`Saved`](dtls::Saved) has it, made of one and the same bytes.

use dtls::{SessionId, Suite};

/// One side's; the server's peer sends the session's id as connection id.
pub(crate) fn state(suite: Suite, encrypt_then_mac: bool, is_server: bool, session: SessionId) -> Vec<u8> {
    let cbc = suite.name().contains("CBC");
    let mut keys = if cbc { [[1; 48], [2; 48]].concat() } else { [[1; 20], [2; 20]].concat() };
    if is_server {
        let half = keys.len() / 2;
        keys.rotate_left(half);
    }
    let cid = if is_server { vec![] } else { session.0.to_be_bytes().to_vec() };
    let mut state = vec![1, u8::from(is_server)];
    state.extend(1_024_u16.to_be_bytes());
    state.extend((suite as u16).to_be_bytes());
    state.extend(cbc.then_some(u8::from(encrypt_then_mac)));
    state.extend(keys);
    state.push(cid.len() as u8);
    state.extend(cid);
    state.extend([3; 48]);
    // No session id to resume by, no Finished, and the numbers of its last records.
    state.extend([0, 0]);
    state.extend([0; 16]);
    state
}
