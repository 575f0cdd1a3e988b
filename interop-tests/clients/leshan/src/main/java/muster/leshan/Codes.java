package muster.leshan;

import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.request.ContentFormat;

/** Codes as events show them. */
final class Codes {

    private Codes() {
    }

    /** {@code 2.05} for 205; {@code null} for none. */
    static String dotted(ResponseCode code) {
        return code == null ? null : String.format("%d.%02d", code.getCode() / 100, code.getCode() % 100);
    }

    /** The number of a content format, or {@code null} if none was given. */
    static Integer number(ContentFormat format) {
        return format == null ? null : format.getCode();
    }
}
