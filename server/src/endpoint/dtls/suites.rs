//! What cipher suites are called that people may meet.

use dtls::Suite;

/// Suites that clients offer beside those that are served (IANA, TLS Cipher Suites).
const OTHERS: [(u16, &str); 17] = [
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x008c, "TLS_PSK_WITH_AES_128_CBC_SHA"),
    (0x008d, "TLS_PSK_WITH_AES_256_CBC_SHA"),
    (0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384"),
    (0x00af, "TLS_PSK_WITH_AES_256_CBC_SHA384"),
    (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc0a5, "TLS_PSK_WITH_AES_256_CCM"),
    (0xc0a9, "TLS_PSK_WITH_AES_256_CCM_8"),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"),
    (0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    (0xd002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384"),
    (0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256"),
];

/// How many suites of a list are shown.
const SHOWN: usize = 10;

/// The names of suites by their numbers; the first few of many.
pub(super) fn names(suites: &[u16]) -> String {
    let mut text = suites.iter().take(SHOWN).map(|suite| name(*suite)).collect::<Vec<_>>().join(", ");
    if suites.len() > SHOWN {
        text.push_str(&format!(" and {} more", suites.len() - SHOWN));
    }
    text
}

/// Those that are served.
pub(super) fn served() -> String {
    Suite::ALL.map(|suite| name(suite as u16)).join(", ")
}

fn name(suite: u16) -> String {
    let other = || OTHERS.iter().find(|(id, _)| *id == suite).map(|(_, name)| *name);
    match Suite::of(suite).map(Suite::name).or_else(other) {
        Some(name) => format!("{name} (0x{suite:04X})"),
        None => format!("0x{suite:04X}"),
    }
}
