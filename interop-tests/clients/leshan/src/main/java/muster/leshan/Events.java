package muster.leshan;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;

/**
 * Prints what happens as one JSON object a line, the only thing ever written to standard output.
 * <p>
 * Each line has {@code event}, {@code at} (milliseconds since the epoch) and, where one client is meant,
 * {@code endpoint}.
 */
public final class Events {

    private final ObjectMapper mapper = new ObjectMapper();
    private final PrintStream out;

    Events(PrintStream out) {
        this.out = out;
    }

    /**
     * Prints one event.
     *
     * @param event the name of the event
     * @param endpoint the client it happened to, or {@code null} for the process
     * @param fields names and values in turn; a field whose value is {@code null} is left out
     */
    public void emit(String event, String endpoint, Object... fields) {
        ObjectNode line = mapper.createObjectNode();
        line.put("event", event);
        line.put("at", System.currentTimeMillis());
        if (endpoint != null) {
            line.put("endpoint", endpoint);
        }
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i + 1] != null) {
                line.set((String) fields[i], mapper.valueToTree(fields[i + 1]));
            }
        }
        // println of one string is atomic: PrintStream locks itself.
        out.println(line);
        out.flush();
    }

    /** Prints an {@code error} event with the message of a failure, and of its cause. */
    public void error(String endpoint, String message, Throwable cause) {
        emit("error", endpoint, "message", message, "cause", cause == null ? null : cause.toString());
    }
}
