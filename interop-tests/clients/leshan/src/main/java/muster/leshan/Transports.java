package muster.leshan;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.UDPConnector;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpointFactory;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.client.californium.endpoint.coap.CoapClientEndpointFactory;
import org.eclipse.leshan.client.californium.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.client.californium.endpoint.coaps.CoapsClientEndpointFactory;
import org.eclipse.leshan.client.californium.endpoint.coaps.CoapsClientProtocolProvider;
import org.eclipse.leshan.client.endpoint.ClientEndpointToolbox;
import org.eclipse.leshan.client.servers.ServerInfo;

/** The coap and coaps endpoints of one client, on its {@link Network} and with its {@link NotificationReporter}. */
final class Transports {

    /** The default of Californium, 8 KiB, is less than a firmware image. */
    private static final int MAX_BODY_BYTES = 4 * 1024 * 1024;

    private static final int CONNECTION_ID_BYTES = 6;

    private final Network network;
    private final NotificationReporter reporter;

    Transports(Network network, NotificationReporter reporter) {
        this.network = network;
        this.reporter = reporter;
    }

    CaliforniumClientEndpointsProvider provider(Options options) {
        CaliforniumClientEndpointsProvider.Builder builder = new CaliforniumClientEndpointsProvider.Builder(
                new CoapClientProtocolProvider() {
                    @Override
                    public CaliforniumClientEndpointFactory createDefaultEndpointFactory() {
                        return new Coap();
                    }
                }, new CoapsClientProtocolProvider() {
                    @Override
                    public CaliforniumClientEndpointFactory createDefaultEndpointFactory() {
                        return new Coaps();
                    }
                });
        Configuration configuration = builder.createDefaultConfiguration();
        configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, MAX_BODY_BYTES);
        configuration.set(CoapConfig.PREFERRED_BLOCK_SIZE, options.blockSize());
        configuration.set(CoapConfig.ACK_TIMEOUT, options.ackTimeoutMs(), TimeUnit.MILLISECONDS);
        // Without a length Scandium does not offer the extension (RFC 9146) at all.
        configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, options.connectionId() ? CONNECTION_ID_BYTES : null);
        return builder.setConfiguration(configuration).build();
    }

    private CoapEndpoint watched(CoapEndpoint endpoint) {
        // The library answers with no endpoint where the security mode does not fit the scheme.
        if (endpoint != null) {
            endpoint.addInterceptor(reporter);
        }
        return endpoint;
    }

    /** Makes coap endpoints. */
    private final class Coap extends CoapClientEndpointFactory {

        @Override
        public CoapEndpoint createCoapEndpoint(InetAddress address, Configuration configuration, ServerInfo server,
                boolean clientInitiatedOnly, List<Certificate> trustStore, ClientEndpointToolbox toolbox) {
            return watched(super.createCoapEndpoint(address, configuration, server, clientInitiatedOnly, trustStore,
                    toolbox));
        }

        @Override
        protected Connector createConnector(InetSocketAddress address, Configuration configuration) {
            return new UDPConnector(address, configuration) {
                @Override
                public synchronized void start() throws IOException {
                    if (!running) {
                        DatagramSocket socket = network.socket();
                        socket.bind(network.bindAddress(localAddr.getAddress()));
                        init(socket);
                    }
                }
            };
        }
    }

    /** Makes coaps endpoints. */
    private final class Coaps extends CoapsClientEndpointFactory {

        @Override
        public CoapEndpoint createCoapEndpoint(InetAddress address, Configuration configuration, ServerInfo server,
                boolean clientInitiatedOnly, List<Certificate> trustStore, ClientEndpointToolbox toolbox) {
            return watched(super.createCoapEndpoint(address, configuration, server, clientInitiatedOnly, trustStore,
                    toolbox));
        }

        @Override
        protected Connector createSecuredConnector(DtlsConnectorConfig configuration) {
            return new DTLSConnector(configuration) {
                @Override
                protected void start(InetSocketAddress address) throws IOException {
                    if (!isRunning()) {
                        init(network.bindAddress(address.getAddress()), network.socket(), null);
                    }
                }
            };
        }
    }
}
