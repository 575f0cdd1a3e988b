package muster.scandium;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.DtlsEndpointContext;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.MessageCallback;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.auth.RawPublicKeyIdentity;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.Bytes;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConfig.DtlsRole;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.AdvancedSinglePskStore;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticNewAdvancedCertificateVerifier;

/** A connector of its own, which talks with one server. The first message begins the handshake. */
final class Session {

    private final InetSocketAddress server;
    private final Events events;
    private final DTLSConnector connector;

    Session(InetSocketAddress server, Map<String, String> options, Means means, Events events)
            throws IOException, GeneralSecurityException {
        this.server = server;
        this.events = events;
        this.connector = new DTLSConnector(configuration(options, means));
        connector.setRawDataReceiver(
                data -> events.emit("received", "text", new String(data.getBytes(), StandardCharsets.UTF_8)));
        connector.setAlertHandler((peer, alert) -> events.emit("alert", "alert", alert.toString()));
        connector.start();
    }

    void send(String text) {
        connector.send(RawData.outbound(text.getBytes(StandardCharsets.UTF_8), new AddressEndpointContext(server),
                new Outcome(), false));
    }

    /** Makes the next message begin an abbreviated handshake. */
    void resume() {
        connector.forceResumeAllSessions();
    }

    /** Ends the session by close_notify. */
    void close() {
        connector.close(server);
        connector.destroy();
    }

    private static DtlsConnectorConfig configuration(Map<String, String> options, Means means)
            throws IOException, GeneralSecurityException {
        DtlsConnectorConfig.Builder builder = DtlsConnectorConfig.builder(Configuration.createStandardWithoutFile());
        builder.setAddress(new InetSocketAddress("127.0.0.1", 0));
        builder.set(DtlsConfig.DTLS_ROLE, DtlsRole.CLIENT_ONLY);
        builder.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        builder.set(DtlsConfig.DTLS_CIPHER_SUITES, List.of(CipherSuite.getTypeByName(options.get("suite"))));
        // Without a length it does not offer the extension (RFC 9146) at all.
        builder.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH,
                options.containsKey("cid") ? Integer.valueOf(options.get("cid")) : null);
        if (options.containsKey("mtu")) {
            builder.set(DtlsConfig.DTLS_MAX_TRANSMISSION_UNIT, Integer.valueOf(options.get("mtu")));
        }
        String own = options.getOrDefault("own", "client");
        switch (options.get("proof")) {
        case "psk" -> builder.setAdvancedPskStore(
                new AdvancedSinglePskStore(means.identity(), HexFormat.of().parseHex(options.get("key"))));
        case "rpk" -> {
            builder.setCertificateIdentityProvider(
                    new SingleCertificateProvider(means.privateKey(own), means.publicKey(own)));
            builder.setAdvancedCertificateVerifier(StaticNewAdvancedCertificateVerifier.builder()
                    .setTrustedRPKs(new RawPublicKeyIdentity(means.publicKey("server"))).build());
        }
        case "x509" -> {
            builder.setCertificateIdentityProvider(new SingleCertificateProvider(means.privateKey(own),
                    new X509Certificate[] { means.certificate(own) }, CertificateType.X_509));
            builder.setAdvancedCertificateVerifier(StaticNewAdvancedCertificateVerifier.builder()
                    .setTrustedCertificates(means.certificate("authority")).build());
        }
        default -> throw new IllegalArgumentException("proof is psk, rpk or x509");
        }
        return builder.build();
    }

    /** Tells of the session that a message goes by, and of a message that goes nowhere. */
    private final class Outcome implements MessageCallback {

        @Override
        public void onConnecting() {
            events.emit("connecting");
        }

        @Override
        public void onDtlsRetransmission(int flight) {
            events.emit("retransmitting", "flight", flight);
        }

        @Override
        public void onContextEstablished(EndpointContext context) {
            Bytes session = context.get(DtlsEndpointContext.KEY_SESSION_ID);
            Bytes connectionId = context.get(DtlsEndpointContext.KEY_WRITE_CONNECTION_ID);
            events.emit("established", "suite", context.get(DtlsEndpointContext.KEY_CIPHER), "session",
                    session == null ? null : session.getAsString(), "cid",
                    connectionId == null ? null : connectionId.getAsString(), "extended_master_secret",
                    context.get(DtlsEndpointContext.KEY_EXTENDED_MASTER_SECRET));
        }

        @Override
        public void onSent() {
            events.emit("sent");
        }

        @Override
        public void onError(Throwable error) {
            events.emit("failed", "cause", error.toString());
        }
    }
}
