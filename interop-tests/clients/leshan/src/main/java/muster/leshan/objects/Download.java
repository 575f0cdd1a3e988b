package muster.leshan.objects;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.CoapClient;
import org.eclipse.californium.core.CoapResponse;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.exception.ConnectorException;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.californium.endpoint.CaliforniumClientEndpoint;

/** Fetches a firmware image by coap or coaps, over the client's own endpoint where that fits, or by http or https. */
final class Download {

    private static final int CONNECTION_LOST = 4;
    private static final int INVALID_URI = 7;
    private static final int UNSUPPORTED_PROTOCOL = 9;
    private static final long TIMEOUT_MS = TimeUnit.MINUTES.toMillis(5);

    private static final int MAX_BYTES = 4 * 1024 * 1024;

    private final LeshanClient client;
    private final HttpsTrust trust;

    Download(LeshanClient client, HttpsTrust trust) {
        this.client = client;
        this.trust = trust;
    }

    byte[] fetch(URI uri) throws Failure {
        try {
            return switch (String.valueOf(uri.getScheme())) {
            case "coap", "coaps" -> coap(uri);
            case "http", "https" -> http(uri);
            case "null" -> throw new Failure(INVALID_URI, "no scheme");
            default -> throw new Failure(UNSUPPORTED_PROTOCOL, uri.getScheme());
            };
        } catch (IOException | ConnectorException e) {
            throw new Failure(CONNECTION_LOST, e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(CONNECTION_LOST, "interrupted");
        }
    }

    private byte[] coap(URI uri) throws Failure, ConnectorException, IOException {
        CoapEndpoint own = client.getRegisteredServers().values().stream().map(client::getEndpoint)
                .filter(endpoint -> endpoint.getProtocol().getUriScheme().equals(uri.getScheme())).findFirst()
                .map(endpoint -> ((CaliforniumClientEndpoint) endpoint).getCoapEndpoint()).orElse(null);
        if (own == null && uri.getScheme().equals("coaps")) {
            throw new Failure(CONNECTION_LOST, "no key for coaps");
        }
        CoapEndpoint endpoint = own == null ? unsecured() : own;
        try {
            CoapClient coap = new CoapClient(uri);
            coap.setEndpoint(endpoint);
            coap.setTimeout(TIMEOUT_MS);
            CoapResponse response = coap.get();
            if (response == null) {
                throw new Failure(CONNECTION_LOST, "no response");
            }
            if (!response.isSuccess()) {
                throw new Failure(INVALID_URI, response.getCode().toString());
            }
            return response.getPayload();
        } finally {
            if (own == null) {
                endpoint.destroy();
            }
        }
    }

    private static CoapEndpoint unsecured() {
        Configuration configuration = Configuration.createStandardWithoutFile();
        configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, MAX_BYTES);
        return new CoapEndpoint.Builder().setConfiguration(configuration).build();
    }

    private byte[] http(URI uri) throws Failure, IOException, InterruptedException {
        HttpResponse<byte[]> response = HttpClient.newBuilder().sslContext(trust.context()).build()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() != 200) {
            throw new Failure(INVALID_URI, "status " + response.statusCode());
        }
        return response.body();
    }

    /** Why no image came, with the value of Update Result (/5/x/5) that says so. */
    static final class Failure extends Exception {
        private final int updateResult;

        private Failure(int updateResult, String message) {
            super(message);
            this.updateResult = updateResult;
        }

        int updateResult() {
            return updateResult;
        }
    }
}
