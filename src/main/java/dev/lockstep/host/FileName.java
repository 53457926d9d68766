package dev.lockstep.host;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Names of files as the command line has them. */
public final class FileName {
    private FileName() {}

    /**
     * @param what how a sentence begins that is about the name, such as the option
     * @throws UsageException when no file can have that name
     */
    public static Path of(String what, String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new UsageException(what + " " + Printable.cut(name)
                    + " cannot be the name of a file here: it has a character that is not allowed or that the locale's"
                    + " encoding lacks", e);
        }
    }
}
