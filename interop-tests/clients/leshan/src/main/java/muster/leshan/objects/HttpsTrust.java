package muster.leshan.objects;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Which https servers are believed: those of Java, or the one with a certificate that was given, whatever its name. */
public final class HttpsTrust {

    private final X509Certificate pinned;

    private HttpsTrust(X509Certificate pinned) {
        this.pinned = pinned;
    }

    /** Trusts the certificate in this file, in DER or PEM, or if there is none whom Java trusts. */
    public static HttpsTrust given(String file) {
        if (file == null) {
            return new HttpsTrust(null);
        }
        try (InputStream bytes = Files.newInputStream(Path.of(file))) {
            return new HttpsTrust((X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (CertificateException e) {
            throw new IllegalArgumentException("--https-trust is no certificate", e);
        }
    }

    SSLContext context() {
        try {
            if (pinned == null) {
                return SSLContext.getDefault();
            }
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] { new Pinned(pinned) }, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An extended manager is asked for the whole: Java does not compare the name of the host besides. */
    private static final class Pinned extends X509ExtendedTrustManager {

        private final X509Certificate pinned;

        private Pinned(X509Certificate pinned) {
            this.pinned = pinned;
        }

        private void check(X509Certificate[] chain) throws CertificateException {
            if (!Arrays.asList(chain).contains(pinned)) {
                throw new CertificateException("not the certificate of --https-trust");
            }
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            check(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            check(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            check(chain);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
