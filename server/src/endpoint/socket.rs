//! Sockets for datagrams: the system's, or those of a simulated network.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    task::{Context, Poll, ready},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::ReadBuf, net::UdpSocket};
use tracing::debug;

/// Where sockets for devices are bound.
pub trait Network: Send + Sync {
    /// Binds an address.
    fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn DatagramSocket>>;
}

/// A bound socket.
pub trait DatagramSocket: Send + Sync {
    /// The next datagram and where it came from. What does not fit is cut.
    fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    /// The next datagram, if one is there.
    fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Sends a datagram, or fails at once.
    fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Where it is bound.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// The network that the system is in.
pub(crate) struct SystemNetwork;

/// What the kernel may hold while the driver is busy.
const RECEIVE_BUFFER: usize = 4 << 20;

impl dyn DatagramSocket {
    /// The next datagram and where it came from.
    pub(crate) async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        poll_fn(|context| self.poll_recv_from(context, buffer)).await
    }
}

impl Network for SystemNetwork {
    fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn DatagramSocket>> {
        Ok(Box::new(bind(address)?))
    }
}

impl DatagramSocket for UdpSocket {
    fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(buffer);
        let from = ready!(Self::poll_recv_from(self, context, &mut buffer))?;
        Poll::Ready(Ok((buffer.filled().len(), from)))
    }

    fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        Self::try_recv_from(self, buffer)
    }

    fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        Self::try_send_to(self, bytes, to).map(drop)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

/// Makes a socket for datagrams.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // More than the system allows is cut to what it allows.
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        debug!(%error, "the receive buffer keeps its size");
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
