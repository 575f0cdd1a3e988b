package muster.leshan.objects;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.leshan.client.resource.SimpleInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * An instance that keeps its resources in memory: those it starts with, and those written later.
 * <p>
 * The base of the objects here; on its own it serves an object that needs no behaviour.
 */
public class StoredInstance extends SimpleInstanceEnabler {

    /** An instance without any value. */
    public StoredInstance() {
        this(Map.of());
    }

    StoredInstance(Map<Integer, Object> start) {
        // Commands write from their own thread while requests are served.
        resources = new ConcurrentHashMap<>();
        initialValues = start;
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resourceId, LwM2mResource value) {
        startEmpty(getModel(), resources, resourceId);
        return super.write(server, replace, resourceId, value);
    }

    @Override
    public List<Integer> getAvailableResourceIds(ObjectModel model) {
        List<Integer> ids = new ArrayList<>(resources.keySet());
        model.resources.values().stream()
                .filter(resource -> !resource.operations.isReadable() && !ids.contains(resource.id))
                .forEach(resource -> ids.add(resource.id));
        ids.sort(null);
        return ids;
    }

    /** Sets a single resource and notifies its observers. */
    void put(int resourceId, Object value) {
        ResourceModel model = getModel().resources.get(resourceId);
        // Object versions differ in their optional resources.
        if (model != null) {
            resources.put(resourceId, LwM2mSingleResource.newResource(resourceId, value, model.type));
            fireResourceChange(resourceId);
        }
    }

    Object get(int resourceId) {
        LwM2mResource resource = resources.get(resourceId);
        return resource == null ? null : resource.getValue();
    }

    /** The library compares a written multiple resource with the one before, and fails if there was none. */
    static void startEmpty(ObjectModel model, Map<Integer, LwM2mResource> resources, int resourceId) {
        ResourceModel resource = model.resources.get(resourceId);
        if (resource != null && resource.multiple) {
            resources.computeIfAbsent(resourceId,
                    id -> LwM2mMultipleResource.newResource(id, Map.of(), resource.type));
        }
    }
}
