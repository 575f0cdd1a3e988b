package muster.leshan;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.leshan.client.request.DownlinkRequestReceiver;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.BootstrapDeleteRequest;
import org.eclipse.leshan.core.request.BootstrapDiscoverRequest;
import org.eclipse.leshan.core.request.BootstrapFinishRequest;
import org.eclipse.leshan.core.request.BootstrapReadRequest;
import org.eclipse.leshan.core.request.BootstrapWriteRequest;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownLinkRequestVisitorAdapter;
import org.eclipse.leshan.core.request.DownlinkRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.LwM2mRequest;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.CreateResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.SendableResponse;

/** Lets the library serve each request of a server, and tells what was asked and what was answered. */
final class ReportingReceiver implements DownlinkRequestReceiver {

    private final DownlinkRequestReceiver library;
    private final String endpoint;
    private final Events events;
    /** The library asks again with the request of the observation for each notification; those are not requests. */
    private final Set<Object> observations = Collections.synchronizedSet(
            Collections.newSetFromMap(new WeakHashMap<>()));

    ReportingReceiver(DownlinkRequestReceiver library, String endpoint, Events events) {
        this.library = library;
        this.endpoint = endpoint;
        this.events = events;
    }

    @Override
    public <T extends LwM2mResponse> SendableResponse<T> requestReceived(LwM2mServer server,
            DownlinkRequest<T> request) {
        SendableResponse<T> response = library.requestReceived(server, request);
        request.accept(new Report(response.getResponse()));
        return response;
    }

    @Override
    public void onError(LwM2mServer server, Exception cause,
            Class<? extends LwM2mRequest<? extends LwM2mResponse>> type) {
        events.error(endpoint, "request could not be served: " + (type == null ? "unknown" : type.getSimpleName()),
                cause);
        library.onError(server, cause, type);
    }

    /** Turns one request and its response into an event. */
    private final class Report extends DownLinkRequestVisitorAdapter {

        private final LwM2mResponse response;
        private final String code;

        private Report(LwM2mResponse response) {
            this.response = response;
            this.code = Codes.dotted(response.getCode());
        }

        @Override
        public void visit(ReadRequest request) {
            emit("read", request.getPath(), "accept", Codes.number(request.getContentFormat()), "value", content());
        }

        @Override
        public void visit(DiscoverRequest request) {
            emit("discover", request.getPath());
        }

        @Override
        public void visit(WriteRequest request) {
            emit("write", request.getPath(), "mode", request.isReplaceRequest() ? "replace" : "update", "format",
                    Codes.number(request.getContentFormat()), "value", Values.json(request.getNode()));
        }

        @Override
        public void visit(WriteAttributesRequest request) {
            emit("write-attributes", request.getPath(), "attributes", request.getAttributes().toString());
        }

        @Override
        public void visit(ExecuteRequest request) {
            String arguments = request.getArguments().serialize();
            emit("execute", request.getPath(), "arguments", arguments == null ? "" : arguments);
        }

        @Override
        public void visit(CreateRequest request) {
            Map<String, Object> instances = new LinkedHashMap<>();
            if (request.unknownObjectInstanceId()) {
                Map<String, Object> resources = new LinkedHashMap<>();
                request.getResources().forEach(r -> resources.put(Integer.toString(r.getId()), Values.json(r)));
                instances.put("", resources);
            } else {
                request.getObjectInstances()
                        .forEach(i -> instances.put(Integer.toString(i.getId()), Values.json(i)));
            }
            emit("create", request.getPath(), "location", ((CreateResponse) response).getLocation(), "value",
                    instances);
        }

        @Override
        public void visit(DeleteRequest request) {
            emit("delete", request.getPath());
        }

        @Override
        public void visit(ObserveRequest request) {
            String event = observing(request);
            if (event != null) {
                emit(event, request.getPath(), "accept", Codes.number(request.getContentFormat()), "value",
                        content());
            }
        }

        @Override
        public void visit(ReadCompositeRequest request) {
            emitPaths("read-composite", request.getPaths(), "format", Codes.number(request.getRequestContentFormat()),
                    "accept", Codes.number(request.getResponseContentFormat()), "value",
                    nodes(((ReadCompositeResponse) response).getContent()));
        }

        @Override
        public void visit(ObserveCompositeRequest request) {
            String event = observing(request);
            if (event != null) {
                emitPaths(event + "-composite", request.getPaths(), "value",
                        nodes(((ObserveCompositeResponse) response).getContent()));
            }
        }

        @Override
        public void visit(WriteCompositeRequest request) {
            emitPaths("write-composite", request.getPaths(), "format", Codes.number(request.getContentFormat()),
                    "value", nodes(request.getNodes()));
        }

        @Override
        public void visit(BootstrapDiscoverRequest request) {
            emit("bootstrap-discover", request.getPath());
        }

        @Override
        public void visit(BootstrapReadRequest request) {
            emit("bootstrap-read", request.getPath(), "value", content());
        }

        @Override
        public void visit(BootstrapWriteRequest request) {
            // No value: it may hold keys.
            emit("bootstrap-write", request.getPath(), "format", Codes.number(request.getContentFormat()));
        }

        @Override
        public void visit(BootstrapDeleteRequest request) {
            emit("bootstrap-delete", request.getPath());
        }

        @Override
        public void visit(BootstrapFinishRequest request) {
            events.emit("bootstrap-finish", endpoint, "code", code, "message", response.getErrorMessage());
        }

        /** {@code observe}, {@code cancel-observe}, or {@code null} where the library prepares a notification. */
        private String observing(LwM2mRequest<?> request) {
            Request coap = (Request) request.getCoapRequest();
            if (coap.isObserveCancel()) {
                return "cancel-observe";
            }
            return observations.add(coap) ? "observe" : null;
        }

        private Object content() {
            return response instanceof ReadResponse read ? Values.json(read.getContent()) : null;
        }

        private Map<String, Object> nodes(Map<LwM2mPath, ? extends LwM2mNode> nodes) {
            if (nodes == null) {
                return null;
            }
            Map<String, Object> shown = new LinkedHashMap<>();
            nodes.forEach((path, node) -> shown.put(path.toString(), node == null ? null : Values.json(node)));
            return shown;
        }

        private void emit(String event, LwM2mPath path, Object... more) {
            send(event, "path", path.toString(), more);
        }

        private void emitPaths(String event, List<LwM2mPath> paths, Object... more) {
            send(event, "paths", paths.stream().map(LwM2mPath::toString).toList(), more);
        }

        private void send(String event, String pathName, Object path, Object[] more) {
            Object[] fields = new Object[more.length + 6];
            fields[0] = pathName;
            fields[1] = path;
            fields[2] = "code";
            fields[3] = code;
            fields[4] = "message";
            fields[5] = response.getErrorMessage();
            System.arraycopy(more, 0, fields, 6, more.length);
            events.emit(event, endpoint, fields);
        }
    }
}
