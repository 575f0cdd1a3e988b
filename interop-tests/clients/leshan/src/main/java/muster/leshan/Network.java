package muster.leshan;

import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;

/**
 * One client's way to the network: it can be cut, and the local port can change.
 * <p>
 * A cut network loses every datagram in both directions; the client above does not know, and retransmits as it would
 * on a real one.
 */
final class Network {

    private final int localPort;
    private volatile boolean cut;
    private volatile MovingSocket socket;

    /** A network whose sockets bind to this port, or to any if it is 0. */
    Network(int localPort) {
        this.localPort = localPort;
    }

    /** Loses all datagrams from now on. */
    void cut() {
        cut = true;
    }

    /** Lets datagrams pass again. */
    void mend() {
        cut = false;
    }

    /** Moves the client to another port, as a NAT does. Its CoAP and DTLS state stays. */
    void rebind() throws SocketException {
        if (socket == null) {
            throw new IllegalStateException("the client was never started");
        }
        socket.move();
    }

    /** The port in use, or 0 before the client is started. */
    int port() {
        return socket == null ? 0 : socket.getLocalPort();
    }

    InetSocketAddress bindAddress(InetAddress address) {
        return new InetSocketAddress(address, localPort);
    }

    /** A socket on this network, not yet bound. */
    DatagramSocket socket() throws SocketException {
        socket = new MovingSocket(() -> cut);
        return socket;
    }
}
