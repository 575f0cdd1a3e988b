package muster.leshan;

import java.security.cert.Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import muster.leshan.objects.DeviceObject;
import muster.leshan.objects.FirmwareObject;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.bootstrap.BootstrapConsistencyChecker;
import org.eclipse.leshan.client.bootstrap.BootstrapHandler;
import org.eclipse.leshan.client.endpoint.LwM2mClientEndpointsProvider;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.engine.RegistrationEngine;
import org.eclipse.leshan.client.engine.RegistrationEngineFactory;
import org.eclipse.leshan.client.request.DownlinkRequestReceiver;
import org.eclipse.leshan.client.request.UplinkRequestSender;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.LwM2mObjectTree;
import org.eclipse.leshan.client.resource.LwM2mRootEnabler;
import org.eclipse.leshan.client.send.DataSender;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.util.LinkFormatHelper;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;
import org.eclipse.leshan.core.link.LinkSerializer;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeParser;
import org.eclipse.leshan.core.node.codec.LwM2mDecoder;
import org.eclipse.leshan.core.node.codec.LwM2mEncoder;

/** Puts one client of the library together: engine, objects, transports and the reporters. */
final class ClientAssembly {

    private final Options options;
    private final String endpoint;
    private final Events events;
    private final ScheduledExecutorService executor;

    ClientAssembly(Options options, String endpoint, Events events, ScheduledExecutorService executor) {
        this.options = options;
        this.endpoint = endpoint;
        this.events = events;
        this.executor = executor;
    }

    LeshanClient build(Network network, DeviceObject device, FirmwareObject firmware) {
        NotificationReporter notifications = new NotificationReporter(endpoint, events);
        LeshanClient client = new ReportingBuilder().setObjects(new ObjectTree(options, endpoint).create(device, firmware))
                .setEndpointsProviders(new Transports(network, notifications).provider(options))
                .setRegistrationEngineFactory(engine()).setAdditionalAttributes(options.attributes())
                .setLinkFormatHelper(new LinkFormatHelper(options.version())).setDataSenders(new ManualDataSender())
                .setSharedExecutor(executor).build();
        client.addObserver(new LifecycleReporter(endpoint, events, network));
        return client;
    }

    private RegistrationEngineFactory engine() {
        DefaultRegistrationEngineFactory factory = new DefaultRegistrationEngineFactory();
        factory.setQueueMode(options.queueMode());
        factory.setRetryWaitingTimeInMs((int) TimeUnit.SECONDS.toMillis(options.retrySeconds()));
        factory.setRequestTimeoutInMs(TimeUnit.SECONDS.toMillis(options.requestTimeoutSeconds()));
        if (options.updateSeconds() != null) {
            factory.setCommunicationPeriod((int) TimeUnit.SECONDS.toMillis(options.updateSeconds()));
        }
        return factory;
    }

    /** A builder whose client tells what it is asked, and registers with the version of the options. */
    private final class ReportingBuilder extends LeshanClientBuilder {

        private ReportingBuilder() {
            super(endpoint);
        }

        // The library's constructor calls the create methods: they may use nothing but what the enclosing object has.
        @Override
        protected LeshanClient createLeshanClient(String name, List<? extends LwM2mObjectEnabler> objects,
                List<DataSender> senders, List<Certificate> trustStore, RegistrationEngineFactory engine,
                BootstrapConsistencyChecker checker, Map<String, String> attributes,
                Map<String, String> bootstrapAttributes, LwM2mEncoder encoder, LwM2mDecoder decoder,
                ScheduledExecutorService shared, LinkSerializer links, LinkFormatHelper linkHelper,
                LwM2mAttributeParser attributeParser, LwM2mClientEndpointsProvider provider) {
            return new LeshanClient(name, objects, senders, trustStore, engine, checker, attributes,
                    bootstrapAttributes, encoder, decoder, shared, links, linkHelper, attributeParser, provider) {

                @Override
                protected DownlinkRequestReceiver createRequestReceiver(BootstrapHandler bootstrap,
                        LwM2mRootEnabler root, LwM2mObjectTree tree, RegistrationEngine registration) {
                    return new ReportingReceiver(super.createRequestReceiver(bootstrap, root, tree, registration),
                            endpoint, events);
                }

                @Override
                protected UplinkRequestSender createRequestSender(LwM2mClientEndpointsProvider endpoints) {
                    UplinkRequestSender library = super.createRequestSender(endpoints);
                    if (!options.version().equals(LwM2mVersion.V1_0)) {
                        return library;
                    }
                    return new Version10Sender(library, () -> getObjectTree().getObjectEnablers().values());
                }
            };
        }
    }
}
