package muster.leshan.objects;

import java.net.URI;
import java.util.Date;
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
 * Firmware Update (5): takes an image by push or by pull and pretends to install it, with a restart of the client.
 * <p>
 * Follows the state machine of the object: Idle → (Downloading →) Downloaded → Updating → Idle. Each step is a
 * {@code firmware} event; an image is reported by its size and digest. It fails as it is told to, once.
 */
public final class FirmwareObject extends StoredInstance {

    private static final int PACKAGE = 0;
    private static final int PACKAGE_URI = 1;
    private static final int UPDATE = 2;
    private static final int STATE = 3;
    private static final int RESULT = 5;
    private static final int PACKAGE_NAME = 6;
    private static final int PACKAGE_VERSION = 7;
    private static final int PROTOCOLS = 8;
    private static final int DELIVERY = 9;
    private static final int CANCEL = 10;
    private static final int CHANGED_AT = 12;

    private static final long INSTALL_MS = 500;
    private static final long DEFER_MS = 3000;

    private final String endpoint;
    private final Events events;
    private final ScheduledExecutorService executor;
    private final DeviceObject device;
    private final HttpsTrust trust;
    private volatile UpdateResult nextResult = UpdateResult.INITIAL;
    private volatile Ending nextEnding = Ending.NEW_VERSION;
    private String running = "1.0.0";
    private String downloaded = running;
    private int installed;

    /** The firmware of a device that runs version 1.0.0. */
    public FirmwareObject(String endpoint, Events events, ScheduledExecutorService executor, DeviceObject device,
            HttpsTrust trust) {
        super(start());
        this.endpoint = endpoint;
        this.events = events;
        this.executor = executor;
        this.device = device;
        this.trust = trust;
    }

    /** Lets the next update end with this result when its moment has come, once. */
    public void endNextUpdateWith(int code) {
        nextResult = new UpdateResult(code);
    }

    /** Lets the next update end otherwise than it says, once. */
    public void endNextUpdate(Ending ending) {
        nextEnding = ending;
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
            if (comesTo(10)) {
                moveTo(State.IDLE, new UpdateResult(10));
            } else if (comesTo(11)) {
                moveTo(State.DOWNLOADED, new UpdateResult(11));
                executor.schedule(this::updateAfterAll, DEFER_MS, TimeUnit.MILLISECONDS);
            } else {
                update();
            }
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
            return reset();
        }
        if (state() != State.IDLE) {
            return WriteResponse.methodNotAllowed();
        }
        moveTo(State.DOWNLOADING, UpdateResult.INITIAL);
        return take(image, null).memory() ? WriteResponse.internalServerError("it does not fit")
                : WriteResponse.success();
    }

    private WriteResponse pull(String uri) {
        if (uri.isEmpty()) {
            put(PACKAGE_URI, uri);
            return reset();
        }
        if (state() != State.IDLE) {
            return WriteResponse.methodNotAllowed();
        }
        put(PACKAGE_URI, uri);
        if (comesTo(7)) {
            moveTo(State.IDLE, UpdateResult.INVALID_URI);
        } else if (comesTo(9)) {
            moveTo(State.IDLE, new UpdateResult(9));
        } else {
            moveTo(State.DOWNLOADING, UpdateResult.INITIAL);
            executor.execute(() -> download(uri));
        }
        return WriteResponse.success();
    }

    private WriteResponse reset() {
        if (state() == State.UPDATING) {
            return WriteResponse.methodNotAllowed();
        }
        moveTo(State.IDLE, UpdateResult.INITIAL);
        return WriteResponse.success();
    }

    private void download(String uri) {
        try {
            byte[] image = new Download((LeshanClient) getLwM2mClient(), trust).fetch(URI.create(uri));
            if (state() == State.DOWNLOADING) {
                take(image, uri);
            }
        } catch (Download.Failure failure) {
            events.error(endpoint, "firmware download failed: " + uri, failure);
            moveTo(State.IDLE, new UpdateResult(failure.updateResult()));
        } catch (IllegalArgumentException malformed) {
            moveTo(State.IDLE, UpdateResult.INVALID_URI);
        }
    }

    /** An image is there, and is what it should be or not. */
    private UpdateResult take(byte[] image, String uri) {
        events.emit("firmware-package", endpoint, "uri", uri, "image", Values.json(image));
        for (int code = 2; code <= 6; code++) {
            if (comesTo(code)) {
                UpdateResult result = new UpdateResult(code);
                moveTo(State.IDLE, result);
                return result;
            }
        }
        String version = TestImage.version(image);
        downloaded = version != null ? version : "1.0." + (installed + 1);
        put(PACKAGE_VERSION, downloaded);
        moveTo(State.DOWNLOADED, UpdateResult.INITIAL);
        return UpdateResult.INITIAL;
    }

    private void updateAfterAll() {
        if (state() == State.DOWNLOADED) {
            update();
        }
    }

    private void update() {
        moveTo(State.UPDATING, UpdateResult.INITIAL);
        executor.schedule(this::install, INSTALL_MS, TimeUnit.MILLISECONDS);
    }

    private void install() {
        if (comesTo(8)) {
            // The image is still there, so that Update can be tried again.
            moveTo(State.DOWNLOADED, new UpdateResult(8));
            return;
        }
        Ending ending = nextEnding;
        nextEnding = Ending.NEW_VERSION;
        if (ending == Ending.HANGS) {
            return;
        }
        installed++;
        // What happens while it is off is not notified.
        ((LeshanClient) getLwM2mClient()).stop(false);
        if (ending != Ending.OLD_VERSION && ending != Ending.LIES) {
            running = downloaded;
        }
        device.nowRuns(running);
        moveTo(State.IDLE, ending == Ending.QUIET ? UpdateResult.INITIAL : UpdateResult.SUCCESS);
        put(PACKAGE_VERSION, ending == Ending.LIES ? downloaded : running);
        getLwM2mClient().start();
    }

    /** Whether an update is to end with this result. Then it does, and the next one does not. */
    private synchronized boolean comesTo(int code) {
        if (nextResult.code() != code) {
            return false;
        }
        nextResult = UpdateResult.INITIAL;
        return true;
    }

    private State state() {
        return State.values()[((Long) get(STATE)).intValue()];
    }

    private void moveTo(State state, UpdateResult result) {
        events.emit("firmware", endpoint, "state", state.ordinal(), "result", result.code());
        if (state == State.IDLE) {
            put(PACKAGE_VERSION, running);
        }
        // The result first: a server that sees the state change may read it at once.
        put(RESULT, (long) result.code());
        put(STATE, (long) state.ordinal());
        put(CHANGED_AT, new Date(System.currentTimeMillis() / 1000 * 1000));
    }

    private static Map<Integer, Object> start() {
        Map<Integer, Object> start = new HashMap<>();
        start.put(PACKAGE_URI, "");
        start.put(STATE, 0L);
        start.put(RESULT, 0L);
        start.put(PACKAGE_NAME, "interop");
        start.put(PACKAGE_VERSION, "1.0.0");
        start.put(PROTOCOLS, Map.of(0, 0L, 1, 1L, 2, 2L, 3, 3L));
        start.put(DELIVERY, 2L);
        return start;
    }

    /** How an update can end otherwise than it says. */
    public enum Ending {
        /** It ends well: the new version runs. */
        NEW_VERSION,
        /** The result says success, and the old version runs. */
        OLD_VERSION,
        /** The result and this object say success, and the old version runs. */
        LIES,
        /** The new version runs, and the result stays 0. */
        QUIET,
        /** It never ends. */
        HANGS
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

        /** Whether there was no room for the image. */
        private boolean memory() {
            return code == 2 || code == 3;
        }
    }
}
