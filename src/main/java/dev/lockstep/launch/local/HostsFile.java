package dev.lockstep.launch.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * MPJ Express looks its own host's name up and does not start where no resolver knows it, as in many containers. There
 * the ranks get a hosts file of their own; they then resolve only what it and /etc/hosts name.
 */
final class HostsFile {
    private static final long ANSWER_MILLIS = 1_500;

    private HostsFile() {}

    /** A file in that directory that names this host; empty when the name resolves as it is. */
    static Optional<Path> ifNeeded(String hostName, Path directory) throws IOException {
        if (resolves()) {
            return Optional.empty();
        }
        Path system = Path.of("/etc/hosts");
        String known = Files.isReadable(system) ? Files.readString(system) : "127.0.0.1 localhost\n";
        Path file = directory.resolve("hosts");
        Files.writeString(file, known.stripTrailing() + "\n127.0.0.1 " + hostName + "\n");
        return Optional.of(file);
    }

    /** Where no name server answers at all, asking takes 10 s and more; a rank could ask nothing there either. */
    private static boolean resolves() {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        Thread asking = new Thread(() -> {
            try {
                InetAddress.getLocalHost();
                answer.complete(true);
            } catch (UnknownHostException e) {
                answer.complete(false);
            }
        }, "own name");
        asking.setDaemon(true);
        asking.start();
        return answer.completeOnTimeout(false, ANSWER_MILLIS, TimeUnit.MILLISECONDS).join();
    }
}
