package dev.lockstep.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this host calls itself. */
public final class HostName {
    private HostName() {}

    /** As the kernel has it; asking the resolver could take seconds, or fail where the name is in no DNS. */
    public static String here() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "localhost";
        }
    }
}
