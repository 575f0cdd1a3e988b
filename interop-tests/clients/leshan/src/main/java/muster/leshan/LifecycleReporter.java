package muster.leshan;

import org.eclipse.leshan.client.observer.LwM2mClientObserver;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;

/** Tells how bootstrap, registration, update and deregistration of one client went. */
final class LifecycleReporter implements LwM2mClientObserver {

    private final String endpoint;
    private final Events events;
    private final Network network;

    LifecycleReporter(String endpoint, Events events, Network network) {
        this.endpoint = endpoint;
        this.events = events;
        this.network = network;
    }

    @Override
    public void onBootstrapStarted(LwM2mServer server, BootstrapRequest request) {
        events.emit("bootstrapping", endpoint, "server", server.getUri());
    }

    @Override
    public void onBootstrapSuccess(LwM2mServer server, BootstrapRequest request) {
        events.emit("bootstrapped", endpoint, "server", server.getUri());
    }

    @Override
    public void onBootstrapFailure(LwM2mServer server, BootstrapRequest request, ResponseCode code, String message,
            Exception cause) {
        failure("bootstrap-failed", code, message, cause);
    }

    @Override
    public void onBootstrapTimeout(LwM2mServer server, BootstrapRequest request) {
        timeout("bootstrap-failed");
    }

    @Override
    public void onRegistrationStarted(LwM2mServer server, RegisterRequest request) {
        events.emit("registering", endpoint, "server", server.getUri(), "port", network.port());
    }

    @Override
    public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String registrationId) {
        events.emit("registered", endpoint, "location", registrationId, "port", network.port());
    }

    @Override
    public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String message,
            Exception cause) {
        failure("registration-failed", code, message, cause);
    }

    @Override
    public void onRegistrationTimeout(LwM2mServer server, RegisterRequest request) {
        timeout("registration-failed");
    }

    @Override
    public void onUpdateStarted(LwM2mServer server, UpdateRequest request) {
        events.emit("updating", endpoint, "location", request.getRegistrationId());
    }

    @Override
    public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
        events.emit("updated", endpoint, "location", request.getRegistrationId(), "lifetime",
                request.getLifeTimeInSec(), "objects", request.getObjectLinks() == null ? null : true);
    }

    @Override
    public void onUpdateFailure(LwM2mServer server, UpdateRequest request, ResponseCode code, String message,
            Exception cause) {
        failure("update-failed", code, message, cause);
    }

    @Override
    public void onUpdateTimeout(LwM2mServer server, UpdateRequest request) {
        timeout("update-failed");
    }

    @Override
    public void onDeregistrationStarted(LwM2mServer server, DeregisterRequest request) {
        // Its outcome follows at once.
    }

    @Override
    public void onDeregistrationSuccess(LwM2mServer server, DeregisterRequest request) {
        events.emit("deregistered", endpoint, "location", request.getRegistrationId());
    }

    @Override
    public void onDeregistrationFailure(LwM2mServer server, DeregisterRequest request, ResponseCode code,
            String message, Exception cause) {
        failure("deregistration-failed", code, message, cause);
    }

    @Override
    public void onDeregistrationTimeout(LwM2mServer server, DeregisterRequest request) {
        timeout("deregistration-failed");
    }

    @Override
    public void onUnexpectedError(Throwable cause) {
        events.error(endpoint, "the library gave up", cause);
    }

    private void failure(String event, ResponseCode code, String message, Exception cause) {
        events.emit(event, endpoint, "code", Codes.dotted(code), "message", message, "cause",
                cause == null ? null : cause.toString());
    }

    private void timeout(String event) {
        events.emit(event, endpoint, "cause", "timeout");
    }
}
