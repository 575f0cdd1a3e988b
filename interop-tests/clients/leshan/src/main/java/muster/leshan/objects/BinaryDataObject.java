package muster.leshan.objects;

import java.util.Map;

/** BinaryAppDataContainer (19): opaque data of any size, for block-wise transfers in both directions. */
public final class BinaryDataObject extends StoredInstance {

    /** A container with one small piece of data. */
    public BinaryDataObject() {
        super(Map.of(0, Map.of(0, new byte[] { 1, 2, 3 }), 1, 0L, 3, "interop", 4, "octets", 5, 7L));
    }
}
