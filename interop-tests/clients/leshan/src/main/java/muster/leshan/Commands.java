package muster.leshan;

import java.util.List;
import java.util.Locale;
import muster.leshan.objects.FirmwareObject;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.ContentFormat;

/**
 * Reads commands and has clients obey them: all of them, or with {@code @NAME} in front only the one.
 * <p>
 * Each line ends in one {@code done} event, or in one {@code error}.
 */
final class Commands {

    private final List<HostedClient> clients;
    private final Events events;

    Commands(List<HostedClient> clients, Events events) {
        this.clients = clients;
        this.events = events;
    }

    /** Obeys one line. Returns false when it was {@code quit}. */
    boolean obey(String line) {
        String trimmed = line.strip();
        if (trimmed.isEmpty()) {
            return true;
        }
        if (trimmed.equals("quit")) {
            return false;
        }
        try {
            String[] words = trimmed.split("\\s+", 2);
            if (words[0].startsWith("@")) {
                HostedClient client = named(words[0].substring(1));
                apply(client, words.length == 2 ? words[1] : "");
            } else {
                clients.parallelStream().forEach(client -> apply(client, trimmed));
            }
            events.emit("done", null, "command", trimmed);
        } catch (RuntimeException e) {
            events.emit("error", null, "command", trimmed, "message", e.getMessage(), "cause", e.toString());
        }
        return true;
    }

    private void apply(HostedClient client, String command) {
        String[] words = command.split("\\s+", 3);
        try {
            switch (words[0]) {
            case "register" -> client.register();
            case "deregister", "stop" -> client.deregister();
            case "update" -> client.update();
            case "send" -> client.send(paths(word(words, 1)), format(words, 2));
            case "collect" -> client.collect(paths(word(words, 1)));
            case "send-collected" -> client.sendCollected(format(words, 1));
            case "set" -> client.set(new LwM2mPath(word(words, 1)), words.length > 2 ? words[2] : "");
            case "create" -> client.create(new LwM2mPath(word(words, 1)));
            case "delete" -> client.delete(new LwM2mPath(word(words, 1)));
            case "pause", "sleep" -> client.pause();
            case "resume", "wake" -> client.resume();
            case "rebind" -> client.rebind();
            case "handshake" -> client.handshake(words.length > 1 && words[1].equals("resume"));
            case "firmware-result" -> client.endNextUpdateWith(Integer.parseInt(word(words, 1)));
            case "firmware-ending" -> client.endNextUpdate(ending(word(words, 1)));
            default -> throw new IllegalArgumentException("unknown command");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private HostedClient named(String endpoint) {
        return clients.stream().filter(client -> client.endpoint().equals(endpoint)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no client " + endpoint));
    }

    private static String word(String[] words, int index) {
        if (words.length <= index) {
            throw new IllegalArgumentException("an argument is missing");
        }
        return words[index];
    }

    private static List<String> paths(String list) {
        return List.of(list.split(","));
    }

    private static FirmwareObject.Ending ending(String word) {
        return FirmwareObject.Ending.valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    private static ContentFormat format(String[] words, int index) {
        if (words.length <= index) {
            return ContentFormat.SENML_CBOR;
        }
        return switch (words[index]) {
        case "cbor" -> ContentFormat.SENML_CBOR;
        case "json" -> ContentFormat.SENML_JSON;
        default -> throw new IllegalArgumentException("the format is cbor or json");
        };
    }
}
