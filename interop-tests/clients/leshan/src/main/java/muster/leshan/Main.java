package muster.leshan;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * A process of LwM2M clients on the Leshan libraries: arguments and commands in, JSON lines out.
 * <p>
 * It ends with {@code quit} or the end of standard input, after its clients have deregistered.
 */
public final class Main {

    /** Registration blocks a thread until it is answered; more threads than this help no machine of a test. */
    private static final int MAX_THREADS = 32;

    private Main() {
    }

    /** Runs until standard input ends. Exits with 2 if the arguments are wrong, with 1 if no client can be made of them. */
    public static void main(String[] arguments) throws IOException {
        Events events = new Events(new PrintStream(System.out, false, StandardCharsets.UTF_8));
        Options options;
        try {
            options = Options.parse(arguments);
        } catch (IllegalArgumentException e) {
            events.error(null, e.getMessage(), null);
            System.err.println(Options.USAGE);
            System.exit(2);
            return;
        }
        ScheduledExecutorService executor = Executors
                .newScheduledThreadPool(Math.min(2 + options.endpoints().size(), MAX_THREADS));
        List<HostedClient> clients;
        try {
            clients = clients(options, events, executor);
        } catch (RuntimeException e) {
            events.error(null, "the library refused to build a client", e);
            System.exit(1);
            return;
        }
        events.emit("started", null, "clients", options.endpoints(), "server", options.server().toString(),
                "uptime_ms", ManagementFactory.getRuntimeMXBean().getUptime());
        if (!options.waitForRegister()) {
            clients.forEach(HostedClient::register);
        }
        readCommands(new Commands(clients, events));
        clients.parallelStream().forEach(HostedClient::close);
        events.emit("stopped", null);
        // The library leaves threads behind that are no daemons.
        System.exit(0);
    }

    private static List<HostedClient> clients(Options options, Events events, ScheduledExecutorService executor) {
        List<HostedClient> clients = new ArrayList<>();
        for (String endpoint : options.endpoints()) {
            int port = options.localPort() == 0 ? 0 : options.localPort() + clients.size();
            clients.add(new HostedClient(options, endpoint, port, events, executor));
        }
        return clients;
    }

    private static void readCommands(Commands commands) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line = input.readLine();
        while (line != null && commands.obey(line)) {
            line = input.readLine();
        }
    }
}
