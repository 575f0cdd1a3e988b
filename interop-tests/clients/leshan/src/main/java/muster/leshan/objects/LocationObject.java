package muster.leshan.objects;

import java.util.Date;
import java.util.Map;

/** Location (6): a place that moves only by command. */
public final class LocationObject extends StoredInstance {

    /** At the prime meridian. */
    public LocationObject() {
        super(Map.of(0, 51.477, 1, 0.0, 2, 46.0, 3, 5.0, 5, new Date(1_700_000_000_000L), 6, 0.0));
    }
}
