package dev.lockstep.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/** Whether code that a cache holds can have been put there by nobody but this process's user or root. */
public final class OwnFiles {
    private static final int OTHERS_WRITE = 022;
    private static final Integer ROOT = 0;

    private OwnFiles() {}

    /** What is wrong with a file of code or the directory it is in, in one sentence, if anything is. */
    public static Optional<String> fault(Path file) {
        return faultOf(file.toAbsolutePath().getParent()).or(() -> faultOf(file));
    }

    private static Optional<String> faultOf(@Nullable Path path) {
        try {
            Object owner = Files.getAttribute(path, "unix:uid");
            int mode = (Integer) Files.getAttribute(path, "unix:mode");
            if (!List.of(ROOT, Files.getAttribute(Path.of("/proc/self"), "unix:uid")).contains(owner)) {
                return Optional.of(path + " belongs to another user (uid " + owner + ")");
            }
            return (mode & OTHERS_WRITE) == 0
                    ? Optional.empty()
                    : Optional.of(path + " may be written by other users (chmod go-w changes that)");
        } catch (IOException e) {
            return Optional.of(path + " cannot be looked at: " + e);
        }
    }
}
