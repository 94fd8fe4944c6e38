import java.io.FileInputStream;
import java.net.InetAddress;
import java.util.Properties;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** TLS by Java's own defaults: what the options of the virtual machine say, and nothing else. */
public class Handshake {
    public static void main(String[] words) throws Exception {
        switch (words[0]) {
            case "serve" -> serve(Integer.parseInt(words[1]));
            case "ask" -> ask(Integer.parseInt(words[1]));
            default -> property(words[1]);
        }
    }

    /** Answers each client that shows a certificate with the name in it. */
    static void serve(int port) throws Exception {
        var factory = SSLServerSocketFactory.getDefault();
        var server = (SSLServerSocket) factory.createServerSocket(port, 9, InetAddress.getByName("127.0.0.1"));
        server.setNeedClientAuth(true);
        while (true) {
            try (var client = (SSLSocket) server.accept()) {
                client.getOutputStream().write((client.getSession().getPeerPrincipal().getName() + "\n").getBytes());
            } catch (java.io.IOException refused) {
                System.err.println(refused);
            }
        }
    }

    static void ask(int port) throws Exception {
        try (var socket = (SSLSocket) SSLSocketFactory.getDefault().createSocket("localhost", port)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            System.out.print(new String(socket.getInputStream().readAllBytes()));
        }
    }

    /** Prints the passphrase in a file of properties, as Kafka reads it. */
    static void property(String file) throws Exception {
        var properties = new Properties();
        properties.load(new FileInputStream(file));
        System.out.print(properties.getProperty("password"));
    }
}
