package muster.scandium;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;

/**
 * A DTLS client on the Scandium library: commands in, JSON lines out, one session at a time.
 * <p>
 * It ends with {@code quit} or the end of standard input.
 */
public final class Main {

    private Main() {
    }

    /** Runs until standard input ends. Exits with 2 if the arguments are wrong. */
    public static void main(String[] arguments) throws IOException {
        Events events = new Events(new PrintStream(System.out, false, StandardCharsets.UTF_8));
        if (arguments.length != 2) {
            System.err.println("usage: java -jar scandium-client.jar FOLDER IDENTITY");
            System.exit(2);
        }
        DtlsConfig.register();
        Configuration.setStandard(Configuration.createStandardWithoutFile());
        Commands commands = new Commands(new Means(Path.of(arguments[0]), arguments[1]), events);
        events.emit("started");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line = input.readLine();
        while (line != null && commands.obey(line)) {
            line = input.readLine();
        }
        commands.close();
        // The library leaves threads behind that are no daemons.
        System.exit(0);
    }
}
