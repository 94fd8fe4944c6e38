// Judge certificates as Java's TLS clients and servers do: Verify DIRECTORY..., each with roots.pem and either the name
// and port of a server that presents the certificate, or leaf.pem and sent.pem of a client's.

import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class Verify {
    static List<X509Certificate> certificates(Path path) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        byte[] data = Files.readAllBytes(path);
        if (data.length > 0) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (Certificate one : factory.generateCertificates(new ByteArrayInputStream(data))) {
                found.add((X509Certificate) one);
            }
        }
        return found;
    }

    static TrustManager[] trusting(List<X509Certificate> roots) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        for (X509Certificate root : roots) {
            store.setCertificateEntry("root" + store.size(), root);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    static void judge(Path directory) throws Exception {
        TrustManager[] managers = trusting(certificates(directory.resolve("roots.pem")));
        String name = Files.readString(directory.resolve("name"));
        if (name.isEmpty()) {
            List<X509Certificate> chain = certificates(directory.resolve("leaf.pem"));
            chain.addAll(certificates(directory.resolve("sent.pem")));
            ((X509TrustManager) managers[0]).checkClientTrusted(chain.toArray(new X509Certificate[0]), "UNKNOWN");
            return;
        }
        int port = Integer.parseInt(Files.readString(directory.resolve("port")));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers, null);
        try (Socket plain = new Socket("127.0.0.1", port);
                SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
        }
    }

    public static void main(String[] directories) {
        for (String directory : directories) {
            try {
                judge(Path.of(directory));
                System.out.println("accepted");
            } catch (Exception error) {
                Throwable cause = error;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                System.out.println("refused " + String.valueOf(cause).replaceAll("\\s+", " "));
            }
        }
    }
}
