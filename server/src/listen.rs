//! Binding lists of addresses.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tracing::warn;

use crate::StartError;

/// Linux's EAFNOSUPPORT: the kernel has no IPv6.
const NO_SUCH_FAMILY: i32 = 97;

/// Binds each address. `[::]` is left out, with a warning, where the system has no IPv6, unless nothing else is left.
pub(crate) fn each<T>(
    addresses: &[SocketAddr],
    mut bind: impl FnMut(SocketAddr) -> io::Result<T>,
) -> Result<Vec<T>, StartError> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut left_out = None;
    for &address in addresses {
        match bind(address) {
            Ok(listener) => bound.push(listener),
            Err(source) if is_without_ipv6(address, &source) => {
                warn!(%address, %source, "this system has no IPv6: not listened at");
                left_out = Some(StartError::Bind { address, source });
            }
            Err(source) => return Err(StartError::Bind { address, source }),
        }
    }
    match left_out {
        Some(error) if bound.is_empty() => Err(error),
        _ => Ok(bound),
    }
}

fn is_without_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        && (error.raw_os_error() == Some(NO_SUCH_FAMILY) || error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(written: &[&str]) -> Vec<SocketAddr> {
        written.iter().map(|address| address.parse().unwrap()).collect()
    }

    // A system whose kernel was built without IPv6.
    fn without_ipv6(address: SocketAddr) -> io::Result<SocketAddr> {
        if address.is_ipv6() { Err(io::Error::from_raw_os_error(NO_SUCH_FAMILY)) } else { Ok(address) }
    }

    #[test]
    fn every_ipv6_address_is_left_out_where_there_is_none() {
        let bound = each(&addresses(&["0.0.0.0:5684", "[::]:5684"]), without_ipv6).unwrap();
        assert_eq!(bound, addresses(&["0.0.0.0:5684"]));
        assert_eq!(each(&[], without_ipv6).unwrap(), []);
    }

    #[test]
    fn an_address_that_was_named_or_the_last_one_is_not_left_out() {
        for written in [&["0.0.0.0:5684", "[::1]:5684"][..], &["[::]:5684"]] {
            assert!(
                matches!(each(&addresses(written), without_ipv6), Err(StartError::Bind { .. })),
                "{written:?}"
            );
        }
    }

    #[test]
    fn a_port_that_is_taken_is_an_error() {
        let taken = |_| Err::<(), _>(io::Error::from(io::ErrorKind::AddrInUse));
        assert!(matches!(each(&addresses(&["[::]:5684"]), taken), Err(StartError::Bind { .. })));
    }
}
