package muster.leshan;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.leshan.core.link.DefaultLinkParser;
import org.eclipse.leshan.core.link.Link;
import org.eclipse.leshan.core.link.LinkParseException;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.util.datatype.ULong;

/** Values between the library's classes, the JSON of events and the text of commands. */
public final class Values {

    /** Longer opaque values are shown by size and digest. */
    private static final int SHOWN_BYTES = 64;

    private Values() {
    }

    /** A node as JSON: maps by identifier down to the values. */
    static Object json(LwM2mNode node) {
        if (node instanceof LwM2mObject object) {
            return byId(object.getInstances());
        }
        if (node instanceof LwM2mObjectInstance instance) {
            return byId(instance.getResources());
        }
        if (node instanceof LwM2mResource resource) {
            return resource.isMultiInstances() ? byId(resource.getInstances()) : json(resource.getValue());
        }
        if (node instanceof LwM2mResourceInstance instance) {
            return json(instance.getValue());
        }
        return null;
    }

    /** Opaque bytes as JSON: size and SHA-256, and the bytes themselves in hex if they are few. */
    public static Map<String, Object> json(byte[] bytes) {
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("bytes", bytes.length);
        shown.put("sha256", sha256(bytes));
        if (bytes.length <= SHOWN_BYTES) {
            shown.put("hex", HexFormat.of().formatHex(bytes));
        }
        return shown;
    }

    /**
     * A value of a command line.
     *
     * @param text hex, or {@code fill:N} for N bytes counting up modulo 251, for opaque; seconds since the epoch for
     *        time; {@code object:instance} for object links; as it is otherwise
     * @throws IllegalArgumentException if the text is no value of that type
     */
    static Object parse(Type type, String text) {
        return switch (type) {
        case STRING -> text;
        case INTEGER -> Long.parseLong(text);
        case UNSIGNED_INTEGER -> ULong.valueOf(text);
        case FLOAT -> Double.parseDouble(text);
        case BOOLEAN -> Boolean.parseBoolean(text);
        case OPAQUE -> text.startsWith("fill:") ? fill(Integer.parseInt(text.substring(5)))
                : HexFormat.of().parseHex(text);
        case TIME -> new Date(Long.parseLong(text) * 1000);
        case OBJLNK -> ObjectLink.decodeFromString(text);
        case CORELINK -> links(text);
        case NONE -> throw new IllegalArgumentException("an executable resource has no value");
        };
    }

    private static Object json(Object value) {
        if (value instanceof byte[] bytes) {
            return json(bytes);
        }
        if (value instanceof Date date) {
            return date.getTime() / 1000;
        }
        if (value instanceof ObjectLink link) {
            return link.encodeToString();
        }
        if (value instanceof Link[] links) {
            return Arrays.toString(links);
        }
        if (value instanceof ULong number) {
            return number.toBigInteger();
        }
        return value;
    }

    private static Map<String, Object> byId(Map<Integer, ? extends LwM2mNode> nodes) {
        Map<String, Object> shown = new LinkedHashMap<>();
        nodes.forEach((id, node) -> shown.put(id.toString(), json(node)));
        return shown;
    }

    private static byte[] fill(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i % 251);
        }
        return bytes;
    }

    private static Link[] links(String text) {
        try {
            return new DefaultLinkParser().parseCoreLinkFormat(text.getBytes());
        } catch (LinkParseException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
