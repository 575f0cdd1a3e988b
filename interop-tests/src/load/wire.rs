//! One socket for all devices: each sends from an address of its own, and what comes is told apart by the address it came to.

use std::{
    collections::BTreeMap,
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use device::{Link, Weather};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use serde::Serialize;
use tokio::{io::Interest, net::UdpSocket};

/// The socket, and the weather on both ways.
pub(super) struct Wire {
    socket: UdpSocket,
    state: UdpSocketState,
    out: Link,
    home: Link,
    /// What arrives later, by when; the number keeps the order.
    under_way: BTreeMap<(Duration, u64), Datagram>,
    last: u64,
    buffers: Vec<Vec<u8>>,
    traffic: Traffic,
}

/// A datagram on its way.
pub(super) struct Datagram {
    way: Way,
    /// The device's address.
    pub(super) device: Ipv4Addr,
    pub(super) server: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Home,
}

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Datagrams that devices have sent.
    pub sent: u64,
    /// Datagrams that came back.
    pub received: u64,
    /// Lost on purpose, both ways.
    pub lost: u64,
    /// Not sent because the kernel would not take them.
    pub refused: u64,
}

impl Traffic {
    /// What has gone since then.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            sent: self.sent - before.sent,
            received: self.received - before.received,
            lost: self.lost - before.lost,
            refused: self.refused - before.refused,
        }
    }
}

impl Wire {
    /// Sends to no other machine: see [`Self::send`].
    pub(super) fn open(weather: Weather, seed: u64) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let state = UdpSocketState::new((&socket).into())?;
        state.set_recv_buffer_size((&socket).into(), BUFFER)?;
        state.set_send_buffer_size((&socket).into(), BUFFER)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket)?,
            state,
            out: Link::new(weather, seed),
            home: Link::new(weather, !seed),
            under_way: BTreeMap::new(),
            last: 0,
            // As long as a datagram, or several that the kernel has put together, may be.
            buffers: vec![vec![0; 65_536]; BATCH_SIZE],
            traffic: Traffic::default(),
        })
    }

    /// Sends from a device to a server of this machine.
    pub(super) fn send(&mut self, now: Duration, device: Ipv4Addr, server: SocketAddr, bytes: Vec<u8>) {
        debug_assert!(server.ip().is_loopback(), "servers are looked at before");
        self.traffic.sent += 1;
        self.set_out(now, Datagram { way: Way::Out, device, server, bytes });
    }

    /// Waits until there is something to receive.
    pub(super) async fn readable(&self) {
        // What is wrong with a socket shows when it is read.
        drop(self.socket.readable().await);
    }

    /// What has come by now, from the socket and out of the weather. Not more than one batch of the socket's: true if there
    /// may be more.
    pub(super) fn receive(&mut self, now: Duration, arrived: &mut Vec<Datagram>) -> bool {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let count = {
            let mut buffers: Vec<_> = self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let receive = || self.state.recv((&self.socket).into(), &mut buffers, &mut metas);
            // An error such as a refused port is a datagram less.
            self.socket.try_io(Interest::READABLE, receive).unwrap_or_default()
        };
        let mut home = Vec::new();
        for (meta, buffer) in metas.iter().zip(&self.buffers).take(count) {
            let Some(IpAddr::V4(device)) = meta.dst_ip else { continue };
            for bytes in buffer[..meta.len].chunks(meta.stride.max(1)) {
                home.push(Datagram { way: Way::Home, device, server: meta.addr, bytes: bytes.to_vec() });
            }
        }
        for datagram in home {
            self.traffic.received += 1;
            self.set_out(now, datagram);
        }
        while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                datagram if datagram.way == Way::Home => arrived.push(datagram),
                datagram => self.transmit(&datagram),
            }
        }
        count == BATCH_SIZE
    }

    /// When something that is under way arrives.
    pub(super) fn next(&self) -> Option<Duration> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn set_out(&mut self, now: Duration, datagram: Datagram) {
        let link = if datagram.way == Way::Out { &mut self.out } else { &mut self.home };
        let mut copies = link.deliveries();
        let Some(delay) = copies.next() else {
            self.traffic.lost += 1;
            return;
        };
        if let Some(delay) = copies.next() {
            self.last += 1;
            let copy = Datagram { bytes: datagram.bytes.clone(), ..datagram };
            self.under_way.insert((now + delay, self.last), copy);
        }
        if delay.is_zero() && datagram.way == Way::Out {
            return self.transmit(&datagram);
        }
        self.last += 1;
        self.under_way.insert((now + delay, self.last), datagram);
    }

    fn transmit(&mut self, datagram: &Datagram) {
        let Datagram { device, server, bytes, .. } = datagram;
        let transmit = Transmit {
            destination: *server,
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: Some((*device).into()),
        };
        self.traffic.refused += u64::from(self.state.try_send((&self.socket).into(), &transmit).is_err());
    }
}

/// Of the kernel's buffers; it may give less.
const BUFFER: usize = 8 << 20;
