package muster.leshan.objects;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import muster.leshan.Events;
import muster.leshan.Values;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * Firmware Update (5): takes an image by push or by pull and pretends to install it.
 * <p>
 * Follows the state machine of the object: Idle → (Downloading →) Downloaded → Updating → Idle. Each step is a
 * {@code firmware} event; an image is reported by its size and digest.
 */
public final class FirmwareObject extends StoredInstance {

    private static final int PACKAGE = 0;
    private static final int PACKAGE_URI = 1;
    private static final int UPDATE = 2;
    private static final int STATE = 3;
    private static final int RESULT = 5;
    private static final int PACKAGE_VERSION = 7;
    private static final int PROTOCOLS = 8;
    private static final int DELIVERY = 9;
    private static final int CANCEL = 10;

    private static final long INSTALL_MS = 500;

    private final String endpoint;
    private final Events events;
    private final ScheduledExecutorService executor;
    private volatile UpdateResult nextResult = UpdateResult.SUCCESS;
    private int installed;

    /** A device that runs version 1.0.0. */
    public FirmwareObject(String endpoint, Events events, ScheduledExecutorService executor) {
        super(start());
        this.endpoint = endpoint;
        this.events = events;
        this.executor = executor;
    }

    /** Lets the next Update end with this result, once. */
    public void endNextUpdateWith(int code) {
        nextResult = new UpdateResult(code);
    }

    @Override
    public WriteResponse write(LwM2mServer server, boolean replace, int resourceId, LwM2mResource value) {
        switch (resourceId) {
        case PACKAGE:
            return push((byte[]) value.getValue());
        case PACKAGE_URI:
            return pull((String) value.getValue());
        default:
            return super.write(server, replace, resourceId, value);
        }
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int resourceId, Arguments arguments) {
        if (resourceId == UPDATE && state() == State.DOWNLOADED) {
            moveTo(State.UPDATING, UpdateResult.INITIAL);
            executor.schedule(this::install, INSTALL_MS, TimeUnit.MILLISECONDS);
            return ExecuteResponse.success();
        }
        if (resourceId == CANCEL && (state() == State.DOWNLOADING || state() == State.DOWNLOADED)) {
            moveTo(State.IDLE, new UpdateResult(10));
            return ExecuteResponse.success();
        }
        if (resourceId == UPDATE || resourceId == CANCEL) {
            return ExecuteResponse.methodNotAllowed();
        }
        return super.execute(server, resourceId, arguments);
    }

    private WriteResponse push(byte[] image) {
        boolean reset = image.length == 0 || image.length == 1 && image[0] == 0;
        if (reset) {
            moveTo(State.IDLE, UpdateResult.INITIAL);
            return WriteResponse.success();
        }
        if (state() != State.IDLE) {
            return WriteResponse.badRequest("not idle");
        }
        events.emit("firmware-package", endpoint, "image", Values.json(image));
        moveTo(State.DOWNLOADED, UpdateResult.INITIAL);
        return WriteResponse.success();
    }

    private WriteResponse pull(String uri) {
        if (uri.isEmpty()) {
            put(PACKAGE_URI, uri);
            moveTo(State.IDLE, UpdateResult.INITIAL);
            return WriteResponse.success();
        }
        if (state() != State.IDLE) {
            return WriteResponse.badRequest("not idle");
        }
        put(PACKAGE_URI, uri);
        moveTo(State.DOWNLOADING, UpdateResult.INITIAL);
        executor.execute(() -> download(uri));
        return WriteResponse.success();
    }

    private void download(String uri) {
        try {
            byte[] image = new Download((LeshanClient) getLwM2mClient()).fetch(URI.create(uri));
            events.emit("firmware-package", endpoint, "uri", uri, "image", Values.json(image));
            if (state() == State.DOWNLOADING) {
                moveTo(State.DOWNLOADED, UpdateResult.INITIAL);
            }
        } catch (Download.Failure failure) {
            events.error(endpoint, "firmware download failed: " + uri, failure);
            moveTo(State.IDLE, new UpdateResult(failure.updateResult()));
        } catch (IllegalArgumentException malformed) {
            moveTo(State.IDLE, UpdateResult.INVALID_URI);
        }
    }

    private void install() {
        UpdateResult result = nextResult;
        nextResult = UpdateResult.SUCCESS;
        if (result.equals(UpdateResult.SUCCESS)) {
            installed++;
            put(PACKAGE_VERSION, "1.0." + installed);
            moveTo(State.IDLE, result);
        } else {
            // The image is still there, so that Update can be tried again.
            moveTo(State.DOWNLOADED, result);
        }
    }

    private State state() {
        return State.values()[((Long) get(STATE)).intValue()];
    }

    private void moveTo(State state, UpdateResult result) {
        events.emit("firmware", endpoint, "state", state.ordinal(), "result", result.code());
        // The result first: a server that sees the state change may read it at once.
        put(RESULT, (long) result.code());
        put(STATE, (long) state.ordinal());
    }

    private static Map<Integer, Object> start() {
        Map<Integer, Object> start = new HashMap<>();
        start.put(PACKAGE_URI, "");
        start.put(STATE, 0L);
        start.put(RESULT, 0L);
        start.put(6, "interop");
        start.put(PACKAGE_VERSION, "1.0.0");
        start.put(PROTOCOLS, Map.of(0, 0L, 1, 1L, 2, 2L));
        start.put(DELIVERY, 2L);
        return start;
    }

    /** The values of /5/x/3, in their order. */
    private enum State {
        IDLE, DOWNLOADING, DOWNLOADED, UPDATING
    }

    /** A value of /5/x/5. */
    private record UpdateResult(int code) {
        private static final UpdateResult INITIAL = new UpdateResult(0);
        private static final UpdateResult SUCCESS = new UpdateResult(1);
        private static final UpdateResult INVALID_URI = new UpdateResult(7);
    }
}
