//! What the server says at its start: where it listens, and how its first administrator is made.

use std::{net::SocketAddr, sync::mpsc, time::Duration};

use super::Interface;
use crate::{Deadline, Transport};

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) struct Welcome {
    pub(super) devices: Vec<(Interface, Transport, SocketAddr)>,
    pub(super) console: SocketAddr,
    pub(super) setup_link: Option<String>,
}

impl Welcome {
    /// Where a server is to listen.
    pub(super) fn of(console: SocketAddr, devices: &[(Interface, Transport, SocketAddr)]) -> Self {
        Self { devices: devices.to_vec(), console, setup_link: None }
    }

    /// The lines `Devices coap://…`, `Bootstrap coaps://…`, `Console http://…`, `Data …`, and the set-up link after the
    /// sentence that announces it.
    pub(super) fn read(lines: &mpsc::Receiver<String>) -> Option<Self> {
        let (mut devices, mut console, mut setup_link) = (Vec::new(), None, None);
        let deadline = Deadline::usual();
        let mut complete = false;
        // What follows the line that completes it comes in the same breath, or not at all.
        while let Ok(line) = lines.recv_timeout(if complete { SAME_BREATH } else { deadline.left() }) {
            let line = line.trim();
            let (label, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let (scheme, address) = rest.trim().split_once("://").unwrap_or_default();
            match (label, scheme) {
                ("Devices" | "Bootstrap", "coap" | "coaps") => {
                    let bootstrap = label == "Bootstrap";
                    let interface = if bootstrap { Interface::Bootstrap } else { Interface::Management };
                    let transport = if scheme == "coaps" { Transport::Dtls } else { Transport::Udp };
                    devices.push((interface, transport, address.parse().ok()?));
                }
                ("Console", "http") => console = address.parse().ok(),
                ("Data", _) => complete = true,
                _ if line.starts_with("http://") => {
                    setup_link = Some(line.to_owned());
                    break;
                }
                _ => {}
            }
        }
        (!devices.is_empty()).then_some(Self { devices, console: console?, setup_link })
    }

    /// Where devices reach it.
    pub(super) fn device_address(&self, interface: Interface, transport: Transport) -> Option<SocketAddr> {
        let found = self.devices.iter().find(|(its, by, _)| (*its, *by) == (interface, transport));
        found.map(|(.., address)| *address)
    }
}

const SAME_BREATH: Duration = Duration::from_millis(500);
