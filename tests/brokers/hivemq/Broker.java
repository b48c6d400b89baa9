// A broker of HiveMQ CE, set up by the JSON file that the first argument names (see ../README.md).

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.SimpleAuthenticator;
import com.hivemq.extension.sdk.api.auth.parameter.SimpleAuthInput;
import com.hivemq.extension.sdk.api.auth.parameter.SimpleAuthOutput;
import com.hivemq.extension.sdk.api.auth.parameter.TopicPermission;
import com.hivemq.extension.sdk.api.packets.auth.DefaultAuthorizationBehaviour;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartOutput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopOutput;
import com.hivemq.extension.sdk.api.services.Services;
import com.hivemq.extension.sdk.api.services.builder.Builders;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** The broker, and the extension that tells it whom to let in: HiveMQ CE has no files for either. */
public final class Broker implements ExtensionMain {
    private static final String STORE_PASSWORD = "of a store that lives as long as a test";

    private final JsonNode setup;

    private Broker(final JsonNode setup) {
        this.setup = setup;
    }

    public static void main(final String[] arguments) throws Exception {
        final File file = new File(arguments[0]);
        final JsonNode setup = new ObjectMapper().readTree(file);
        final Path folder = file.getAbsoluteFile().getParentFile().toPath();
        Files.writeString(folder.resolve("config.xml"), config(setup, folder));
        final EmbeddedExtension extension = EmbeddedExtension.builder()
                .withId("setup")
                .withName("What a test tells the broker")
                .withVersion("1")
                .withAuthor("Plumbline")
                .withExtensionMain(new Broker(setup))
                .build();
        EmbeddedHiveMQ.builder()
                .withConfigurationFolder(folder)
                .withDataFolder(folder)
                .withExtensionsFolder(folder)
                .withEmbeddedExtension(extension)
                .build()
                .start()
                .join();
    }

    /** What the broker is told in its own words. It sends nobody any statistics. */
    private static String config(final JsonNode setup, final Path folder)
            throws GeneralSecurityException, IOException {
        final String kind = (setup.has("certificate") ? "tls-" : "")
                + (setup.path("websockets").asBoolean() ? "websocket-" : "tcp-");
        final String tag = kind.equals("tls-tcp-") ? "tls-tcp-listener" : kind + "listener";
        final StringBuilder listener = new StringBuilder();
        listener.append("<port>").append(setup.get("port").asInt()).append("</port>");
        listener.append("<bind-address>127.0.0.1</bind-address>");
        if (setup.has("certificate")) {
            final Path store = folder.resolve("store.p12");
            keyStore(setup, store);
            listener.append("<tls><keystore><path>").append(store).append("</path><password>")
                    .append(STORE_PASSWORD).append("</password><private-key-password>")
                    .append(STORE_PASSWORD).append("</private-key-password></keystore></tls>");
        }
        if (setup.path("websockets").asBoolean()) {
            listener.append("<path>/mqtt</path>");
        }
        return "<hivemq><listeners><" + tag + ">" + listener + "</" + tag + "></listeners>"
                + limits(setup)
                + "<persistence><mode>in-memory</mode></persistence>"
                + "<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>"
                + "</hivemq>";
    }

    private static String limits(final JsonNode setup) {
        if (!setup.has("maximum_packet_size")) {
            return "";
        }
        final int size = setup.get("maximum_packet_size").asInt();
        return "<mqtt><packets><max-packet-size>" + size + "</max-packet-size></packets></mqtt>";
    }

    private static void keyStore(final JsonNode setup, final Path into)
            throws GeneralSecurityException, IOException {
        final byte[] chain = Files.readAllBytes(Path.of(setup.get("certificate").asText()));
        final Certificate[] certificates = CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(chain))
                .toArray(Certificate[]::new);
        final String pem = Files.readString(Path.of(setup.get("key").asText()), StandardCharsets.US_ASCII);
        final byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[^-]+-----", ""));
        final PrivateKey key = KeyFactory.getInstance(certificates[0].getPublicKey().getAlgorithm())
                .generatePrivate(new PKCS8EncodedKeySpec(der));
        final KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("broker", key, STORE_PASSWORD.toCharArray(), certificates);
        try (OutputStream out = Files.newOutputStream(into)) {
            store.store(out, STORE_PASSWORD.toCharArray());
        }
    }

    @Override
    public void extensionStart(final ExtensionStartInput input, final ExtensionStartOutput output) {
        final SimpleAuthenticator authenticator = this::authenticate;
        Services.securityRegistry().setAuthenticatorProvider(client -> authenticator);
    }

    @Override
    public void extensionStop(final ExtensionStopInput input, final ExtensionStopOutput output) {}

    private void authenticate(final SimpleAuthInput input, final SimpleAuthOutput output) {
        final String user = input.getConnectPacket().getUserName().orElse("");
        final String password = input.getConnectPacket().getPassword()
                .map(bytes -> StandardCharsets.UTF_8.decode(bytes).toString())
                .orElse(null);
        if (setup.has("users") && !setup.get("users").path(user).asText("\0").equals(password)) {
            output.failAuthentication();
            return;
        }
        final String owner = setup.path("client_ids").path(input.getClientInformation().getClientId()).asText(user);
        if (!owner.equals(user)) {
            output.failAuthentication();
            return;
        }
        if (setup.has("rights")) {
            final List<TopicPermission> permissions = new ArrayList<>();
            for (final JsonNode filter : setup.get("rights").path(user)) {
                permissions.add(Builders.topicPermission().topicFilter(filter.asText()).build());
            }
            output.getDefaultPermissions().addAll(permissions);
            output.getDefaultPermissions().setDefaultBehaviour(DefaultAuthorizationBehaviour.DENY);
        }
        output.authenticateSuccessfully();
    }
}
