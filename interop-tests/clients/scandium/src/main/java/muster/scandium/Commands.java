package muster.scandium;

import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads commands and obeys them. Each line ends in one {@code done} event, or in one {@code error}. */
final class Commands {

    private final Means means;
    private final Events events;
    private Session session;

    Commands(Means means, Events events) {
        this.means = means;
        this.events = events;
    }

    /** Obeys one line. Returns false when it was {@code quit}. */
    boolean obey(String line) {
        String trimmed = line.strip();
        if (trimmed.equals("quit")) {
            return false;
        }
        try {
            apply(trimmed);
            events.emit("done", "command", trimmed);
        } catch (Exception e) {
            events.emit("error", "command", trimmed, "cause", e.toString());
        }
        return true;
    }

    void close() {
        if (session != null) {
            session.close();
            session = null;
        }
    }

    private void apply(String command) throws Exception {
        String[] words = command.split("\\s+", 2);
        switch (words[0]) {
        case "open" -> {
            close();
            List<String> rest = Arrays.asList(words[1].split("\\s+"));
            session = new Session(address(rest.get(0)), options(rest.subList(1, rest.size())), means, events);
        }
        case "send" -> opened().send(words[1]);
        case "resume" -> opened().resume();
        case "close" -> close();
        default -> throw new IllegalArgumentException("unknown command");
        }
    }

    private Session opened() {
        if (session == null) {
            throw new IllegalStateException("nothing is open");
        }
        return session;
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        return new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    }

    private static Map<String, String> options(List<String> words) {
        Map<String, String> options = new HashMap<>();
        for (String word : words) {
            String[] pair = word.split("=", 2);
            options.put(pair[0], pair[1]);
        }
        return options;
    }
}
