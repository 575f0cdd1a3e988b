package muster.leshan.objects;

import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * Device (3): a device with two power sources, a clock that runs and a battery.
 * <p>
 * Reboot and factory reset only report; resetting the error codes empties them.
 */
public final class DeviceObject extends StoredInstance {

    private static final int FIRMWARE_VERSION = 3;
    private static final int REBOOT = 4;
    private static final int FACTORY_RESET = 5;
    private static final int ERROR_CODES = 11;
    private static final int RESET_ERROR_CODES = 12;
    private static final int CURRENT_TIME = 13;

    private volatile long clockOffsetMs;

    /** A device with the given serial number. */
    public DeviceObject(String serialNumber) {
        super(start(serialNumber));
    }

    /** Another firmware was installed. */
    void nowRuns(String version) {
        put(FIRMWARE_VERSION, version);
    }

    @Override
    public ReadResponse read(LwM2mServer server, int resourceId) {
        if (resourceId == CURRENT_TIME) {
            // Whole seconds: the formats disagree on fractions of a Time.
            long seconds = (System.currentTimeMillis() + clockOffsetMs) / 1000;
            return ReadResponse.success(LwM2mSingleResource.newDateResource(CURRENT_TIME, new Date(seconds * 1000)));
        }
        return super.read(server, resourceId);
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resourceId, LwM2mResource value) {
        if (resourceId == CURRENT_TIME) {
            clockOffsetMs = ((Date) value.getValue()).getTime() - System.currentTimeMillis();
            fireResourceChange(CURRENT_TIME);
            return WriteResponse.success();
        }
        return super.write(server, replace, resourceId, value);
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resourceId, Arguments arguments) {
        switch (resourceId) {
        case REBOOT, FACTORY_RESET:
            return ExecuteResponse.success();
        case RESET_ERROR_CODES:
            resources.put(ERROR_CODES, LwM2mMultipleResource.newIntegerResource(ERROR_CODES, Map.of(0, 0L)));
            fireResourceChange(ERROR_CODES);
            return ExecuteResponse.success();
        default:
            return super.execute(server, resourceId, arguments);
        }
    }

    private static Map<Integer, Object> start(String serialNumber) {
        Map<Integer, Object> start = new HashMap<>();
        start.put(0, "Muster");
        start.put(1, "Leshan client");
        start.put(2, serialNumber);
        start.put(FIRMWARE_VERSION, "1.0.0");
        start.put(6, Map.of(0, 1L, 1, 5L));
        start.put(7, Map.of(0, 3800L, 1, 5000L));
        start.put(8, Map.of(0, 125L, 1, 900L));
        start.put(9, 100L);
        start.put(10, 15L);
        start.put(ERROR_CODES, Map.of(0, 0L));
        start.put(CURRENT_TIME, new Date(0));
        start.put(14, "+00:00");
        start.put(15, "Etc/UTC");
        // The engine registers with these: queue mode (Q) is not among them, even in LwM2M 1.0.
        start.put(16, "U");
        start.put(17, "interop");
        start.put(18, "1.0");
        start.put(19, "1.0.0");
        start.put(20, 0L);
        start.put(21, 1024L);
        return start;
    }
}
