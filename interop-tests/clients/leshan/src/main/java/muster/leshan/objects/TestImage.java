package muster.leshan.objects;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Images that say which version they are: {@code MUSTER-TEST 2.0}, a line feed, and anything behind it. */
final class TestImage {

    private static final String MAGIC = "MUSTER-TEST ";
    private static final int LONGEST_HEAD = 64;

    private TestImage() {
    }

    /** The version, or null if the image says none. */
    static String version(byte[] image) {
        String head = new String(image, 0, Math.min(image.length, LONGEST_HEAD), UTF_8);
        int end = head.indexOf('\n');
        return head.startsWith(MAGIC) && end >= 0 ? head.substring(MAGIC.length(), end) : null;
    }
}
