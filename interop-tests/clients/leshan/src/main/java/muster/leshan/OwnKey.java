package muster.leshan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a client proves itself by, if not by a pre-shared key: a raw public key (RFC 7250) or a certificate.
 *
 * @param certified whether it is a certificate
 * @param own its SubjectPublicKeyInfo or its certificate, in DER
 * @param privateKey its private key, as PKCS #8 in DER
 * @param server the server's SubjectPublicKeyInfo or certificate, in DER
 */
record OwnKey(boolean certified, byte[] own, byte[] privateKey, byte[] server) {

    /** Reads the files of {@code --raw-public-key} or {@code --certificate}, if one of them is given. */
    static OwnKey given(Map<String, String> arguments) {
        boolean certified = arguments.containsKey("--certificate");
        String own = arguments.get(certified ? "--certificate" : "--raw-public-key");
        if (own == null) {
            return null;
        }
        return new OwnKey(certified, read(own), read(arguments.get("--private-key")),
                read(arguments.get("--server-key")));
    }

    private static byte[] read(String file) {
        if (file == null) {
            throw new IllegalArgumentException("a key of its own needs --private-key and --server-key");
        }
        try {
            return Files.readAllBytes(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
