package muster.leshan.objects;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;
import org.eclipse.leshan.core.LwM2mId;
import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Operations;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.model.StaticModel;

/** The object definitions of the client: those the library brings, and the three more that it does not. */
public final class Models {

    private Models() {
    }

    /** All definitions for one version of LwM2M. */
    public static LwM2mModel forVersion(LwM2mVersion version) {
        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadDefault(version));
        // The library starts only with resources of its own Security object that 1.0 does not have. No server sees it.
        ObjectLoader.loadDefault().stream().filter(model -> model.id == LwM2mId.SECURITY).forEach(models::add);
        models.add(binaryAppDataContainer());
        models.add(temperature());
        models.add(testObject());
        return new StaticModel(models);
    }

    private static ObjectModel binaryAppDataContainer() {
        return object(19, "BinaryAppDataContainer", "1.0",
                new ResourceModel(0, "Data", Operations.RW, true, true, Type.OPAQUE, "", "", ""),
                single(1, "Data Priority", Operations.RW, Type.INTEGER),
                single(2, "Data Creation Time", Operations.RW, Type.TIME),
                single(3, "Data Description", Operations.RW, Type.STRING),
                single(4, "Data Format", Operations.RW, Type.STRING),
                single(5, "App ID", Operations.RW, Type.INTEGER));
    }

    private static ObjectModel temperature() {
        return object(3303, "Temperature", "1.1",
                single(5518, "Timestamp", Operations.R, Type.TIME),
                single(5601, "Min Measured Value", Operations.R, Type.FLOAT),
                single(5602, "Max Measured Value", Operations.R, Type.FLOAT),
                single(5603, "Min Range Value", Operations.R, Type.FLOAT),
                single(5604, "Max Range Value", Operations.R, Type.FLOAT),
                single(5605, "Reset Min and Max Measured Values", Operations.E, Type.NONE),
                single(5700, "Sensor Value", Operations.R, Type.FLOAT),
                single(5701, "Sensor Units", Operations.R, Type.STRING),
                single(5750, "Application Type", Operations.RW, Type.STRING),
                single(6042, "Measurement Quality Indicator", Operations.R, Type.INTEGER),
                single(6049, "Measurement Quality Level", Operations.R, Type.INTEGER),
                single(6050, "Fractional Timestamp", Operations.R, Type.FLOAT));
    }

    private static ObjectModel testObject() {
        List<ResourceModel> resources = new ArrayList<>(List.of(
                single(0, "Reset values", Operations.E, Type.NONE),
                single(1, "Randomize values", Operations.E, Type.NONE),
                single(2, "Clear values", Operations.E, Type.NONE),
                single(3, "Exec With Arguments", Operations.E, Type.NONE),
                multiple(4, "Arguments List", Operations.R, Type.STRING),
                single(5, "Send Data", Operations.E, Type.NONE),
                multiple(6, "Resources to Send", Operations.RW, Type.STRING)));
        // Each data type has one single resource and, a thousand further, one multiple.
        everyType(110, "String Value", Type.STRING, resources);
        everyType(120, "Integer Value", Type.INTEGER, resources);
        everyType(125, "Unsigned Integer Value", Type.UNSIGNED_INTEGER, resources);
        everyType(130, "Float Value", Type.FLOAT, resources);
        everyType(140, "Boolean Value", Type.BOOLEAN, resources);
        everyType(150, "Opaque Value", Type.OPAQUE, resources);
        everyType(160, "Time Value", Type.TIME, resources);
        everyType(170, "ObjLink Value", Type.OBJLNK, resources);
        everyType(180, "CoreLnk Value", Type.CORELINK, resources);
        return object(3442, "LwM2M v1.1 Test Object", "1.0", resources.toArray(ResourceModel[]::new));
    }

    private static void everyType(int id, String name, Type type, List<ResourceModel> resources) {
        resources.add(single(id, name, Operations.RW, type));
        resources.add(multiple(1000 + id, "Multiple " + name, Operations.RW, type));
    }

    private static ObjectModel object(int id, String name, String version, ResourceModel... resources) {
        return new ObjectModel(id, name, "", version, true, false, resources);
    }

    private static ResourceModel single(int id, String name, Operations operations, Type type) {
        return new ResourceModel(id, name, operations, false, false, type, "", "", "");
    }

    private static ResourceModel multiple(int id, String name, Operations operations, Type type) {
        return new ResourceModel(id, name, operations, true, false, type, "", "", "");
    }
}
