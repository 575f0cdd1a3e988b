package muster.scandium;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;

/** Prints what happens as one JSON object a line, the only thing ever written to standard output. */
final class Events {

    private final ObjectMapper mapper = new ObjectMapper();
    private final PrintStream out;

    Events(PrintStream out) {
        this.out = out;
    }

    /**
     * Prints one event.
     *
     * @param event the name of the event
     * @param fields names and values in turn; a field whose value is {@code null} is left out
     */
    void emit(String event, Object... fields) {
        ObjectNode line = mapper.createObjectNode();
        line.put("event", event);
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i + 1] != null) {
                line.set((String) fields[i], mapper.valueToTree(fields[i + 1]));
            }
        }
        // println of one string is atomic: PrintStream locks itself.
        out.println(line);
        out.flush();
    }
}
