package muster.leshan;

import java.util.Collection;
import java.util.EnumSet;
import java.util.function.Supplier;
import org.eclipse.leshan.client.request.UplinkRequestSender;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.client.util.LinkFormatHelper;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UplinkRequest;
import org.eclipse.leshan.core.response.ErrorCallback;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ResponseCallback;

/**
 * Makes each Register one of LwM2M 1.0, since the library's engine always registers with the last version it knows:
 * {@code lwm2m=1.0}, queue mode as part of the binding ({@code UQ}), no content formats on the root link.
 */
final class Version10Sender implements UplinkRequestSender {

    private final UplinkRequestSender library;
    private final Supplier<Collection<LwM2mObjectEnabler>> objects;

    Version10Sender(UplinkRequestSender library, Supplier<Collection<LwM2mObjectEnabler>> objects) {
        this.library = library;
        this.objects = objects;
    }

    @Override
    public <T extends LwM2mResponse> T send(LwM2mServer server, UplinkRequest<T> request, long timeoutMs)
            throws InterruptedException {
        return library.send(server, rewritten(request), timeoutMs);
    }

    @Override
    public <T extends LwM2mResponse> void send(LwM2mServer server, UplinkRequest<T> request, long timeoutMs,
            ResponseCallback<T> onResponse, ErrorCallback onError) {
        library.send(server, rewritten(request), timeoutMs, onResponse, onError);
    }

    @SuppressWarnings("unchecked") // a Register stays a Register
    private <T extends LwM2mResponse> UplinkRequest<T> rewritten(UplinkRequest<T> request) {
        if (!(request instanceof RegisterRequest register)) {
            return request;
        }
        EnumSet<BindingMode> binding = EnumSet.copyOf(register.getBindingMode());
        if (Boolean.TRUE.equals(register.getQueueMode())) {
            binding.add(BindingMode.Q);
        }
        return (UplinkRequest<T>) new RegisterRequest(register.getEndpointName(), register.getLifetime(),
                LwM2mVersion.V1_0.toString(), binding, null, register.getSmsNumber(),
                new LinkFormatHelper(LwM2mVersion.V1_0).getClientDescription(objects.get(), null, null),
                register.getAdditionalAttributes());
    }
}
