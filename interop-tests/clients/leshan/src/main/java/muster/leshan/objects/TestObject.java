package muster.leshan.objects;

import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.client.object.LwM2mTestObject;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.response.WriteResponse;

/** LwM2M v1.1 Test Object (3442), the library's own: single and multiple resources of every data type. */
public final class TestObject extends LwM2mTestObject {

    /** With the library's initial values. */
    public TestObject() {
        resources = new ConcurrentHashMap<>();
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resourceId, LwM2mResource value) {
        StoredInstance.startEmpty(getModel(), resources, resourceId);
        return super.write(server, replace, resourceId, value);
    }
}
