package muster.leshan.objects;

import java.util.Map;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/** Temperature (3303): a sensor set by command, which keeps its extremes. A server may create and delete instances. */
public final class TemperatureObject extends StoredInstance {

    private static final int MIN_MEASURED = 5601;
    private static final int MAX_MEASURED = 5602;
    private static final int RESET_MIN_AND_MAX = 5605;
    private static final int SENSOR_VALUE = 5700;

    /** A sensor at twenty degrees. */
    public TemperatureObject() {
        super(Map.of(SENSOR_VALUE, 20.0, MIN_MEASURED, 20.0, MAX_MEASURED, 20.0, 5603, -40.0, 5604, 125.0, 5701,
                "Cel", 5750, ""));
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resourceId, LwM2mResource value) {
        WriteResponse response = super.write(server, replace, resourceId, value);
        if (resourceId == SENSOR_VALUE && response.isSuccess()) {
            double measured = (Double) value.getValue();
            if (measured < (Double) get(MIN_MEASURED)) {
                put(MIN_MEASURED, measured);
            }
            if (measured > (Double) get(MAX_MEASURED)) {
                put(MAX_MEASURED, measured);
            }
        }
        return response;
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resourceId, Arguments arguments) {
        if (resourceId != RESET_MIN_AND_MAX) {
            return super.execute(server, resourceId, arguments);
        }
        put(MIN_MEASURED, get(SENSOR_VALUE));
        put(MAX_MEASURED, get(SENSOR_VALUE));
        return ExecuteResponse.success();
    }

    @Override
    public void reset(int resourceId) {
        // A Write that replaces the instance must not take the measured values away.
        if (getModel().resources.get(resourceId).operations.isWritable()) {
            super.reset(resourceId);
        }
    }
}
