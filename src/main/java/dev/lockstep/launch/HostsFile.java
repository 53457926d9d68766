package dev.lockstep.launch;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * MPJ Express looks its own host's name up and does not start where no resolver knows it, as in many containers. There
 * the ranks get a hosts file of their own; they then resolve only what it and /etc/hosts name.
 */
final class HostsFile {
    private HostsFile() {}

    /** A file that names this host, deleted when the launcher ends; empty when the name resolves as it is. */
    static Optional<Path> ifNeeded(String hostName) throws IOException {
        try {
            InetAddress.getLocalHost();
            return Optional.empty();
        } catch (UnknownHostException e) {
            Path system = Path.of("/etc/hosts");
            String known = Files.isReadable(system) ? Files.readString(system) : "127.0.0.1 localhost\n";
            Path file = Files.createTempFile("lockstep-hosts", "");
            file.toFile().deleteOnExit();
            Files.writeString(file, known.stripTrailing() + "\n127.0.0.1 " + hostName + "\n");
            return Optional.of(file);
        }
    }
}
