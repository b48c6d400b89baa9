import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A TLS server of JSSE. Arguments: port, "open" or "usual", protocols, suites ("default", "all" or
 * names), and PEM files with a certificate and its key each. Groups are the system property
 * jdk.tls.namedGroups. What the socket says is enabled goes into the file "told" before it listens.
 */
public final class Server {
    public static void main(String[] words) throws Exception {
        if (words[1].equals("open")) {
            // What the file java.security forbids, whatever a program enables.
            Security.setProperty("jdk.tls.disabledAlgorithms", "");
            Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        }
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        var password = new char[0];
        for (int at = 4; at < words.length; at++) {
            var pem = Files.readString(Path.of(words[at]));
            var certificate = CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(block(pem, "CERTIFICATE")));
            var key = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                    .generatePrivate(new PKCS8EncodedKeySpec(block(pem, "PRIVATE KEY")));
            store.setKeyEntry(words[at], key, password, new Certificate[] {certificate});
        }
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        var server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket();
        server.setEnabledProtocols(words[2].split(","));
        if (words[3].equals("all")) {
            server.setEnabledCipherSuites(server.getSupportedCipherSuites());
        } else if (!words[3].equals("default")) {
            server.setEnabledCipherSuites(words[3].split(","));
        }
        Files.writeString(Path.of("told"), told(server));
        server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(words[0])), 128);
        while (true) {
            var socket = (SSLSocket) server.accept();
            var thread = new Thread(() -> serve(socket));
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void serve(SSLSocket socket) {
        try (socket) {
            socket.setSoTimeout(20_000);
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException gone) {
            // Most clients leave in the middle of a handshake.
        }
    }

    private static String told(SSLServerSocket server) {
        var text = new StringBuilder();
        for (var protocol : server.getEnabledProtocols()) {
            text.append("version ").append(protocol).append('\n');
        }
        for (var suite : server.getEnabledCipherSuites()) {
            text.append("suite ").append(suite).append('\n');
        }
        for (var group : System.getProperty("jdk.tls.namedGroups").split(",")) {
            text.append("group ").append(group).append('\n');
        }
        return text.toString();
    }

    private static byte[] block(String pem, String name) {
        var begin = "-----BEGIN " + name + "-----";
        var from = pem.indexOf(begin) + begin.length();
        var until = pem.indexOf("-----END " + name + "-----");
        return Base64.getMimeDecoder().decode(pem.substring(from, until));
    }
}
