package muster.leshan;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import muster.leshan.objects.DeviceObject;
import muster.leshan.objects.FirmwareObject;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.ObjectEnabler;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.send.NoDataException;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;

/** One LwM2M client of this process: what the commands do to it. */
final class HostedClient {

    private static final long SEND_TIMEOUT_MS = 30_000;

    private final String endpoint;
    private final Events events;
    private final Network network;
    private final FirmwareObject firmware;
    private final LeshanClient client;

    HostedClient(Options options, String endpoint, int localPort, Events events, ScheduledExecutorService executor) {
        this.endpoint = endpoint;
        this.events = events;
        this.network = new Network(localPort);
        DeviceObject device = new DeviceObject(endpoint);
        this.firmware = new FirmwareObject(endpoint, events, executor, device, options.httpsTrust());
        this.client = new ClientAssembly(options, endpoint, events, executor).build(network, device, firmware);
    }

    String endpoint() {
        return endpoint;
    }

    /** Registers; a client that is registered does so again without a Deregister. */
    void register() {
        client.stop(false);
        client.start();
    }

    void deregister() {
        client.stop(true);
    }

    void update() {
        client.triggerRegistrationUpdate();
    }

    /** Sends the present values of resources or instances, by the Send operation. */
    void send(List<String> paths, ContentFormat format) {
        client.getSendService().sendData(server(), format, paths, SEND_TIMEOUT_MS,
                response -> events.emit(response.isSuccess() ? "sent" : "send-failed", endpoint, "paths", paths, "code",
                        Codes.dotted(response.getCode()), "message", response.getErrorMessage()),
                error -> events.emit("send-failed", endpoint, "paths", paths, "cause", error.toString()));
    }

    /** Remembers the present values with their time, for {@link #sendCollected}. */
    void collect(List<String> paths) {
        sender().collectData(LwM2mPath.getLwM2mPathList(paths));
    }

    /** Sends all that was collected, with its times. The outcome is the server's to tell: no event follows. */
    void sendCollected(ContentFormat format) throws NoDataException {
        sender().sendCollectedData(server(), format, SEND_TIMEOUT_MS, false);
    }

    /** Changes a resource, or one instance of it, as if the device had measured it. Observers are notified. */
    void set(LwM2mPath path, String text) {
        if (!path.isResource() && !path.isResourceInstance()) {
            throw new IllegalArgumentException("not a resource: " + path);
        }
        ObjectEnabler object = object(path);
        LwM2mInstanceEnabler instance = object.getInstance(path.getObjectInstanceId());
        ResourceModel model = object.getObjectModel().resources.get(path.getResourceId());
        if (instance == null || model == null) {
            throw new IllegalArgumentException("no such resource: " + path);
        }
        Object value = Values.parse(model.type, text);
        LwM2mResponse response;
        if (model.multiple) {
            int id = path.isResourceInstance() ? path.getResourceInstanceId() : 0;
            response = instance.write(LwM2mServer.SYSTEM, false, model.id, multiple(model.id, model.type, id, value));
        } else {
            response = instance.write(LwM2mServer.SYSTEM, true, model.id,
                    LwM2mSingleResource.newResource(model.id, value, model.type));
        }
        requireSuccess(response);
    }

    /** Adds an empty object instance; the library tells the server by an Update with the new list of objects. */
    void create(LwM2mPath path) {
        requireSuccess(object(path).create(LwM2mServer.SYSTEM,
                new CreateRequest(path.getObjectId(), new LwM2mObjectInstance(path.getObjectInstanceId()))));
    }

    /** Removes an object instance; an Update follows. */
    void delete(LwM2mPath path) {
        requireSuccess(object(path).delete(LwM2mServer.SYSTEM, new DeleteRequest(path.toString())));
    }

    /** Loses all datagrams, in and out. */
    void pause() {
        network.cut();
    }

    void resume() {
        network.mend();
    }

    /** Moves to another port, as behind a NAT. */
    void rebind() throws IOException {
        network.rebind();
        events.emit("rebound", endpoint, "port", network.port());
    }

    /** Makes the next message start a DTLS handshake, with the old session or without. */
    void handshake(boolean resumption) {
        client.getEndpoint(server()).forceReconnection(server(), resumption);
    }

    /** Lets the next firmware update end with this result. */
    void endNextUpdateWith(int result) {
        firmware.endNextUpdateWith(result);
    }

    /** Lets the next firmware update end otherwise than it says. */
    void endNextUpdate(FirmwareObject.Ending ending) {
        firmware.endNextUpdate(ending);
    }

    /** Deregisters and gives everything back. */
    void close() {
        network.mend();
        client.destroy(true);
    }

    private LwM2mServer server() {
        return client.getRegisteredServers().values().stream().findFirst()
                .orElseThrow(() -> new IllegalStateException("not registered"));
    }

    private ManualDataSender sender() {
        return client.getSendService().getDataSender(ManualDataSender.DEFAULT_NAME, ManualDataSender.class);
    }

    private ObjectEnabler object(LwM2mPath path) {
        if (client.getObjectTree().getObjectEnabler(path.getObjectId()) instanceof ObjectEnabler object) {
            return object;
        }
        throw new IllegalArgumentException("no such object: " + path);
    }

    private static LwM2mMultipleResource multiple(int id, Type type, int instanceId, Object value) {
        return new LwM2mMultipleResource(id, type, LwM2mResourceInstance.newInstance(instanceId, value, type));
    }

    private static void requireSuccess(LwM2mResponse response) {
        if (response.isFailure()) {
            throw new IllegalArgumentException(
                    Codes.dotted(response.getCode()) + " " + String.valueOf(response.getErrorMessage()));
        }
    }
}
