//! The stateless cookie (RFC 6347 §4.2.1): HMAC-SHA-256 over the address and what a ClientHello has before its
//! cookie (version, random, session id), under a secret that changes every few minutes; the one before is good as well. What
//! follows the cookie is left out, so that the first fragment of a ClientHello is enough to answer.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// How long a secret makes cookies, and how much longer it knows them.
const PERIOD: Duration = Duration::from_secs(300);

/// Bytes of a cookie.
pub(crate) const COOKIE: usize = 16;

/// Makes cookies and knows them again.
pub(crate) struct Cookies {
    seed: Zeroizing<[u8; 32]>,
    /// Which period `current` is of.
    period: u64,
    /// Keyed once, for a cookie is made of each datagram that comes from anywhere.
    current: Hmac<Sha256>,
    previous: Hmac<Sha256>,
}

impl Cookies {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        // Nothing was made before the first period: its secret stands in for the one before.
        let current = secret(&seed, 0);
        Self { previous: current.clone(), current, period: 0, seed }
    }

    /// `before` is the ClientHello's body up to its cookie.
    pub(crate) fn make(&mut self, now: Duration, from: SocketAddr, before: &[u8]) -> [u8; COOKIE] {
        self.turn(now);
        cookie(&self.current, from, before)
    }

    /// In constant time.
    pub(crate) fn is_good(&mut self, now: Duration, from: SocketAddr, before: &[u8], cookie: &[u8]) -> bool {
        self.turn(now);
        [&self.current, &self.previous]
            .into_iter()
            .any(|secret| self::cookie(secret, from, before).as_slice().ct_eq(cookie).into())
    }

    fn turn(&mut self, now: Duration) {
        let period = now.as_secs() / PERIOD.as_secs();
        if period > self.period {
            self.previous = secret(&self.seed, period - 1);
            self.current = secret(&self.seed, period);
            self.period = period;
        }
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cookies").field("period", &self.period).finish_non_exhaustive()
    }
}

/// The secret of a period.
fn secret(seed: &[u8; 32], period: u64) -> Hmac<Sha256> {
    let mut hmac = keyed(seed);
    hmac.update(&period.to_be_bytes());
    let secret = Zeroizing::new(<[u8; 32]>::from(hmac.finalize().into_bytes()));
    keyed(&secret)
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn cookie(secret: &Hmac<Sha256>, from: SocketAddr, before: &[u8]) -> [u8; COOKIE] {
    let mut hmac = secret.clone();
    // The length of the address tells the families apart.
    match from.ip() {
        IpAddr::V4(ip) => update(&mut hmac, &ip.octets()),
        IpAddr::V6(ip) => update(&mut hmac, &ip.octets()),
    }
    hmac.update(&from.port().to_be_bytes());
    hmac.update(before);
    let full = hmac.finalize().into_bytes();
    *full.first_chunk().expect("32 bytes have 16")
}

fn update(hmac: &mut Hmac<Sha256>, octets: &[u8]) {
    hmac.update(&[u8::try_from(octets.len()).expect("an address of 4 or 16 bytes")]);
    hmac.update(octets);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEFORE: &[u8] = &[0x42; 35];

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_cookie_is_good_for_its_address_and_hello_alone() {
        let now = Duration::from_secs(7);
        let mut cookies = Cookies::new([1; 32]);
        let from = address("192.0.2.1:5684");
        let cookie = cookies.make(now, from, BEFORE);
        assert!(cookies.is_good(now, from, BEFORE, &cookie));
        assert!(!cookies.is_good(now, address("192.0.2.1:5683"), BEFORE, &cookie));
        assert!(!cookies.is_good(now, address("192.0.2.2:5684"), BEFORE, &cookie));
        assert!(!cookies.is_good(now, address("[::ffff:192.0.2.1]:5684"), BEFORE, &cookie));
        assert!(!cookies.is_good(now, from, &BEFORE[..34], &cookie));
        assert!(!Cookies::new([2; 32]).is_good(now, from, BEFORE, &cookie));
    }

    #[test]
    fn a_cookie_that_is_cut_or_longer_or_changed_is_not_good() {
        let (now, from) = (Duration::ZERO, address("[2001:db8::1]:1"));
        let mut cookies = Cookies::new([1; 32]);
        let cookie = cookies.make(now, from, BEFORE);
        assert!((0..COOKIE).all(|len| !cookies.is_good(now, from, BEFORE, &cookie[..len])));
        assert!(!cookies.is_good(now, from, BEFORE, &[&cookie[..], &[0]].concat()));
        for bit in 0..8 * COOKIE {
            let mut changed = cookie;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!cookies.is_good(now, from, BEFORE, &changed));
        }
    }

    proptest! {
        /// A cookie lives for a whole period at least, and for less than two.
        #[test]
        fn a_cookie_outlives_the_change_of_one_secret(made in 0_u64..10_000, later in 0_u64..2_000) {
            let from = address("192.0.2.1:5684");
            let mut cookies = Cookies::new([1; 32]);
            let cookie = cookies.make(Duration::from_secs(made), from, BEFORE);
            let period = PERIOD.as_secs();
            let good = cookies.is_good(Duration::from_secs(made + later), from, BEFORE, &cookie);
            prop_assert_eq!(good, (made + later) / period - made / period <= 1);
        }
    }
}
