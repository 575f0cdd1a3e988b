package muster.leshan;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import org.eclipse.californium.elements.Connector;

/**
 * One client's way to the network: its sockets, which can be cut, and its local port, which can change.
 * <p>
 * A cut network loses every datagram in both directions; the client above does not know, and retransmits as it would
 * on a real one.
 */
final class Network {

    private volatile boolean cut;
    private volatile int localPort;
    private volatile Connector connector;

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

    /** Moves the client to another port, as a NAT does, keeping its CoAP and DTLS state. */
    void rebind() throws IOException {
        if (connector == null) {
            throw new IllegalStateException("the client was never started");
        }
        localPort = 0;
        connector.stop();
        connector.start();
    }

    /** The port in use, or 0 before the client is started. */
    int port() {
        return connector == null ? 0 : connector.getAddress().getPort();
    }

    /** Remembers the connector that now carries the client's messages. */
    void carriedBy(Connector current) {
        connector = current;
    }

    InetSocketAddress bindAddress(InetAddress address) {
        return new InetSocketAddress(address, localPort);
    }

    /** A socket on this network, not yet bound. */
    DatagramSocket socket() throws SocketException {
        return new DatagramSocket((SocketAddress) null) {
            @Override
            public void send(DatagramPacket packet) throws IOException {
                if (!cut) {
                    super.send(packet);
                }
            }

            @Override
            public void receive(DatagramPacket packet) throws IOException {
                int capacity = packet.getLength();
                super.receive(packet);
                while (cut) {
                    packet.setLength(capacity);
                    super.receive(packet);
                }
            }
        };
    }
}
