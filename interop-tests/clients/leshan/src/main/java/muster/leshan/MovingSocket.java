package muster.leshan;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.function.BooleanSupplier;

/**
 * A UDP socket that can change its port under the nose of its user, and that loses datagrams while its network is
 * cut.
 * <p>
 * All work is done by the socket of the moment; the one it inherits from is never bound. It has what Californium's
 * connectors call.
 */
final class MovingSocket extends DatagramSocket {

    private final BooleanSupplier cut;
    private volatile DatagramSocket current = new DatagramSocket((SocketAddress) null);

    MovingSocket(BooleanSupplier cut) throws SocketException {
        super((SocketAddress) null);
        this.cut = cut;
    }

    /** Goes on from another port; datagrams to the old one are lost. */
    void move() throws SocketException {
        DatagramSocket old = current;
        DatagramSocket next = new DatagramSocket((SocketAddress) null);
        next.bind(new InetSocketAddress(old.getLocalAddress(), 0));
        next.setReceiveBufferSize(old.getReceiveBufferSize());
        current = next;
        old.close();
    }

    @Override
    public void send(DatagramPacket packet) throws IOException {
        if (!cut.getAsBoolean()) {
            current.send(packet);
        }
    }

    @Override
    public void receive(DatagramPacket packet) throws IOException {
        int capacity = packet.getLength();
        while (true) {
            DatagramSocket socket = current;
            try {
                packet.setLength(capacity);
                socket.receive(packet);
                if (!cut.getAsBoolean()) {
                    return;
                }
            } catch (SocketException e) {
                // A move closes the old socket: go on with the new one.
                if (socket == current) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void bind(SocketAddress address) throws SocketException {
        // The constructor of the class above binds to null, before there is a socket to bind.
        if (current != null) {
            current.bind(address);
        }
    }

    @Override
    public void close() {
        current.close();
    }

    @Override
    public boolean isClosed() {
        return current.isClosed();
    }

    @Override
    public boolean isBound() {
        return current.isBound();
    }

    @Override
    public InetAddress getLocalAddress() {
        return current.getLocalAddress();
    }

    @Override
    public int getLocalPort() {
        return current.getLocalPort();
    }

    @Override
    public SocketAddress getLocalSocketAddress() {
        return current.getLocalSocketAddress();
    }

    @Override
    public void setReuseAddress(boolean on) throws SocketException {
        current.setReuseAddress(on);
    }

    @Override
    public void setReceiveBufferSize(int size) throws SocketException {
        current.setReceiveBufferSize(size);
    }

    @Override
    public int getReceiveBufferSize() throws SocketException {
        return current.getReceiveBufferSize();
    }

    @Override
    public void setSendBufferSize(int size) throws SocketException {
        current.setSendBufferSize(size);
    }

    @Override
    public int getSendBufferSize() throws SocketException {
        return current.getSendBufferSize();
    }
}
