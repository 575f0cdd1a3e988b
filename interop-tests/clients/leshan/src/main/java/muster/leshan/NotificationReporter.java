package muster.leshan;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.californium.core.coap.CoAP.Type;
import org.eclipse.californium.core.coap.EmptyMessage;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.coap.Token;
import org.eclipse.californium.core.network.interceptors.MessageInterceptorAdapter;

/**
 * Watches the CoAP messages of one client for what the LwM2M layer does not tell: that a notification went out, and
 * that the server refused one with a Reset.
 */
final class NotificationReporter extends MessageInterceptorAdapter {

    private final String endpoint;
    private final Events events;
    private final Map<Token, Observation> observations = new ConcurrentHashMap<>();

    NotificationReporter(String endpoint, Events events) {
        this.endpoint = endpoint;
        this.events = events;
    }

    @Override
    public void receiveRequest(Request request) {
        if (request.isObserve()) {
            observations.put(request.getToken(), new Observation("/" + request.getOptions().getUriPathString()));
        } else if (request.isObserveCancel()) {
            observations.remove(request.getToken());
        }
    }

    @Override
    public void sendResponse(Response response) {
        Observation observation = observations.get(response.getToken());
        if (observation == null) {
            return;
        }
        if (!observation.answered) {
            // The response to the Observe itself: its own event comes from the request.
            observation.answered = true;
            return;
        }
        boolean retransmission = observation.lastMid == response.getMID();
        boolean laterBlock = response.getOptions().hasBlock2() && response.getOptions().getBlock2().getNum() > 0;
        if (retransmission || laterBlock) {
            return;
        }
        observation.lastMid = response.getMID();
        events.emit("notified", endpoint, "path", observation.path, "code", response.getCode().toString(), "type",
                String.valueOf(response.getType()), "observe", response.getOptions().getObserve(), "mid",
                response.getMID());
        if (response.getCode().value >= 0x80) {
            // RFC 7641 §4.2: a notification with an error code ends the observation.
            observations.remove(response.getToken());
        }
    }

    @Override
    public void receiveEmptyMessage(EmptyMessage message) {
        if (message.getType() == Type.RST) {
            observations.entrySet().removeIf(entry -> {
                boolean refused = entry.getValue().lastMid == message.getMID();
                if (refused) {
                    events.emit("notification-reset", endpoint, "path", entry.getValue().path, "mid",
                            message.getMID());
                }
                return refused;
            });
        }
    }

    /** What is known of one observation by its token. */
    private static final class Observation {
        private final String path;
        private volatile boolean answered;
        private volatile int lastMid = -1;

        private Observation(String path) {
            this.path = path;
        }
    }
}
