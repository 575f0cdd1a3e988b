//! What devices are called, where they are, and their keys.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

/// The endpoint name and PSK identity of a device.
pub(super) fn endpoint(device: u32) -> String {
    format!("load-{device:07}")
}

/// Its source address: a machine takes all of 127.0.0.0/8 for its own.
pub(super) fn address(device: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(FIRST.to_bits() + device)
}

/// Whose address that is.
pub(super) fn device_at(address: Ipv4Addr) -> Option<u32> {
    address.to_bits().checked_sub(FIRST.to_bits())
}

/// Its pre-shared key.
pub(super) fn key(seed: u64, device: u32) -> [u8; 16] {
    let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(device.to_be_bytes()).finalize();
    let (key, _) = hash.split_first_chunk().expect("a SHA-256 hash has 32 bytes");
    *key
}

/// The rows of an import, with a line of names.
pub(super) fn csv(seed: u64, devices: &[u32]) -> String {
    let mut csv = "endpoint,management_identity,management_key\n".to_owned();
    for &device in devices {
        let endpoint = endpoint(device);
        csv += &format!("{endpoint},{endpoint},{}\n", hex(&key(seed, device)));
    }
    csv
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What others on this machine use lies below.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_devices_have_a_loopback_address_each() {
        for device in [0, 1, 255, 256, 65_536, 999_999] {
            assert!(address(device).is_loopback());
            assert_eq!(device_at(address(device)), Some(device));
        }
        assert_eq!(device_at(Ipv4Addr::LOCALHOST), None);
    }
}
