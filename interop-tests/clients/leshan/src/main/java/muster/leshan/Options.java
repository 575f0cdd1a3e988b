package muster.leshan;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import muster.leshan.objects.HttpsTrust;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;

/** The command line, parsed and checked. */
record Options(URI server, List<String> endpoints, long lifetimeSeconds, int localPort, boolean queueMode,
        boolean bootstrap, LwM2mVersion version, byte[] pskIdentity, byte[] pskKey, OwnKey ownKey,
        Map<String, String> attributes,
        boolean connectionId, int ackTimeoutMs, int blockSize, int retrySeconds, int requestTimeoutSeconds,
        Integer updateSeconds, boolean waitForRegister, HttpsTrust httpsTrust) {

    static final String USAGE = """
            usage: java -jar leshan-client.jar --server URI (--endpoint NAME | --count N --prefix P) [options]
              --server URI           coap://host:port, or coaps://host:port with a key
              --endpoint NAME        endpoint name of the one client
              --count N --prefix P   N clients in this process, named P0, P1, ...
              --lifetime SECONDS     lifetime of the registration (300)
              --local-port PORT      UDP port to send from; the client number i of many takes PORT + i (any)
              --queue-mode           register in queue mode
              --lwm2m 1.0|1.1        version to register with (1.1)
              --bootstrap            the server is a bootstrap server: start with a Bootstrap-Request
              --psk-identity TEXT    identity for coaps (the endpoint name)
              --psk-key HEX          key for coaps
              --raw-public-key FILE  for coaps without such a key: this client's SubjectPublicKeyInfo, in DER
              --certificate FILE     or its certificate, in DER
              --private-key FILE     its private key, PKCS #8 in DER
              --server-key FILE      the server's SubjectPublicKeyInfo or certificate, in DER
              --attribute NAME=VALUE one more query parameter of Register; may be repeated
              --no-connection-id     do not offer a DTLS connection id
              --ack-timeout MS       CoAP ACK_TIMEOUT (2000)
              --block-size BYTES     preferred block size of block-wise transfers (512)
              --retry SECONDS        wait after a failed registration or bootstrap (10)
              --request-timeout SECONDS  wait for the answer to a registration, update or bootstrap (120)
              --update-period SECONDS  Update at least so often (from the lifetime)
              --https-trust FILE     certificate of the https server that firmware comes from, in DER
              --wait                 do not register until the command register""";

    /**
     * Parses the arguments of the process.
     *
     * @throws IllegalArgumentException with a message for the caller if an argument is unknown, missing or malformed
     */
    static Options parse(String[] arguments) {
        Map<String, String> given = new HashMap<>();
        Map<String, String> attributes = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            String name = arguments[i];
            switch (name) {
            case "--queue-mode", "--bootstrap", "--no-connection-id", "--wait" -> given.put(name, "");
            case "--server", "--endpoint", "--count", "--prefix", "--lifetime", "--local-port", "--lwm2m",
                    "--psk-identity", "--psk-key", "--raw-public-key", "--certificate", "--private-key",
                    "--server-key", "--ack-timeout", "--block-size", "--retry", "--request-timeout", "--update-period",
                    "--https-trust" ->
                given.put(name, valueOf(arguments, ++i));
            case "--attribute" -> {
                String[] pair = valueOf(arguments, ++i).split("=", 2);
                attributes.put(pair[0], pair.length == 2 ? pair[1] : null);
            }
            default -> throw new IllegalArgumentException("unknown argument " + name);
            }
        }
        URI server = server(given);
        byte[] key = given.containsKey("--psk-key") ? HexFormat.of().parseHex(given.get("--psk-key")) : null;
        OwnKey ownKey = OwnKey.given(given);
        if (server.getScheme().equals("coaps") && key == null && ownKey == null) {
            throw new IllegalArgumentException("coaps needs --psk-key, --raw-public-key or --certificate");
        }
        String identity = given.get("--psk-identity");
        return new Options(server, endpoints(given), number(given, "--lifetime", 300),
                (int) number(given, "--local-port", 0), given.containsKey("--queue-mode"),
                given.containsKey("--bootstrap"), version(given.getOrDefault("--lwm2m", "1.1")),
                identity == null ? null : identity.getBytes(UTF_8), key, ownKey, attributes,
                !given.containsKey("--no-connection-id"), (int) number(given, "--ack-timeout", 2000),
                (int) number(given, "--block-size", 512), (int) number(given, "--retry", 10),
                (int) number(given, "--request-timeout", 120),
                given.containsKey("--update-period") ? (int) number(given, "--update-period", 0) : null,
                given.containsKey("--wait"), HttpsTrust.given(given.get("--https-trust")));
    }

    /** The pre-shared key identity of one client: the given one, else its endpoint name. */
    byte[] pskIdentityOf(String endpoint) {
        return pskIdentity != null ? pskIdentity : endpoint.getBytes(UTF_8);
    }

    private static String valueOf(String[] arguments, int index) {
        if (index >= arguments.length) {
            throw new IllegalArgumentException(arguments[index - 1] + " needs a value");
        }
        return arguments[index];
    }

    private static URI server(Map<String, String> given) {
        if (!given.containsKey("--server")) {
            throw new IllegalArgumentException("--server is missing");
        }
        URI server = URI.create(given.get("--server"));
        if (!List.of("coap", "coaps").contains(String.valueOf(server.getScheme())) || server.getHost() == null) {
            throw new IllegalArgumentException("--server must be coap://host:port or coaps://host:port");
        }
        return server;
    }

    private static List<String> endpoints(Map<String, String> given) {
        if (given.containsKey("--endpoint")) {
            return List.of(given.get("--endpoint"));
        }
        if (!given.containsKey("--count") || !given.containsKey("--prefix")) {
            throw new IllegalArgumentException("--endpoint, or --count and --prefix, is missing");
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < number(given, "--count", 0); i++) {
            names.add(given.get("--prefix") + i);
        }
        return names;
    }

    private static long number(Map<String, String> given, String name, long otherwise) {
        try {
            return given.containsKey(name) ? Long.parseLong(given.get(name)) : otherwise;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number", e);
        }
    }

    private static LwM2mVersion version(String text) {
        return switch (text) {
        case "1.0" -> LwM2mVersion.V1_0;
        case "1.1" -> LwM2mVersion.V1_1;
        default -> throw new IllegalArgumentException("--lwm2m must be 1.0 or 1.1: the library speaks no other");
        };
    }
}
