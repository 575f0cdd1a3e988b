package muster.leshan;

import java.util.EnumSet;
import java.util.List;
import java.util.function.Supplier;
import muster.leshan.objects.BinaryDataObject;
import muster.leshan.objects.DeviceObject;
import muster.leshan.objects.FirmwareObject;
import muster.leshan.objects.LocationObject;
import muster.leshan.objects.Models;
import muster.leshan.objects.StoredInstance;
import muster.leshan.objects.TemperatureObject;
import muster.leshan.objects.TestObject;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.resource.BaseInstanceEnablerFactory;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;
import org.eclipse.leshan.core.LwM2mId;
import org.eclipse.leshan.core.request.BindingMode;

/** The objects a client starts with. */
final class ObjectTree {

    private static final int BINARY_APP_DATA_CONTAINER = 19;
    private static final int TEMPERATURE = 3303;
    private static final int TEST_OBJECT = 3442;
    private static final int SHORT_SERVER_ID = 123;

    private final Options options;
    private final String endpoint;
    private final ObjectsInitializer initializer;

    ObjectTree(Options options, String endpoint) {
        this.options = options;
        this.endpoint = endpoint;
        this.initializer = new ObjectsInitializer(Models.forVersion(options.version()));
    }

    List<LwM2mObjectEnabler> create(DeviceObject device, FirmwareObject firmware) {
        has(LwM2mId.SECURITY, Security::new, security());
        if (options.bootstrap()) {
            has(LwM2mId.SERVER, Server::new);
        } else {
            has(LwM2mId.SERVER, Server::new, server());
        }
        has(LwM2mId.ACCESS_CONTROL, StoredInstance::new);
        has(LwM2mId.DEVICE, StoredInstance::new, device);
        has(LwM2mId.FIRMWARE, StoredInstance::new, firmware);
        has(LwM2mId.LOCATION, LocationObject::new, new LocationObject());
        has(BINARY_APP_DATA_CONTAINER, BinaryDataObject::new, new BinaryDataObject());
        has(TEMPERATURE, TemperatureObject::new, new TemperatureObject(), new TemperatureObject());
        has(TEST_OBJECT, TestObject::new, new TestObject());
        return initializer.createAll();
    }

    /** An object with its first instances, and what a Create makes. */
    private void has(int id, Supplier<LwM2mInstanceEnabler> created, LwM2mInstanceEnabler... first) {
        initializer.setFactoryForObject(id, new BaseInstanceEnablerFactory() {
            @Override
            public LwM2mInstanceEnabler create() {
                return created.get();
            }
        });
        if (first.length > 0) {
            initializer.setInstancesForObject(id, first);
        }
    }

    private Security security() {
        String uri = options.server().toString();
        if (!options.server().getScheme().equals("coaps")) {
            return options.bootstrap() ? Security.noSecBootstrap(uri) : Security.noSec(uri, SHORT_SERVER_ID);
        }
        OwnKey key = options.ownKey();
        if (key == null) {
            byte[] identity = options.pskIdentityOf(endpoint);
            return options.bootstrap() ? Security.pskBootstrap(uri, identity, options.pskKey())
                    : Security.psk(uri, SHORT_SERVER_ID, identity, options.pskKey());
        }
        if (key.certified()) {
            return options.bootstrap() ? Security.x509Bootstrap(uri, key.own(), key.privateKey(), key.server())
                    : Security.x509(uri, SHORT_SERVER_ID, key.own(), key.privateKey(), key.server());
        }
        return options.bootstrap() ? Security.rpkBootstrap(uri, key.own(), key.privateKey(), key.server())
                : Security.rpk(uri, SHORT_SERVER_ID, key.own(), key.privateKey(), key.server());
    }

    private Server server() {
        // Object 1 of LwM2M 1.0 knows no preferred transport.
        BindingMode preferred = options.version().equals(LwM2mVersion.V1_0) ? null : BindingMode.U;
        return new Server(SHORT_SERVER_ID, options.lifetimeSeconds(), EnumSet.of(BindingMode.U), false, preferred);
    }
}
