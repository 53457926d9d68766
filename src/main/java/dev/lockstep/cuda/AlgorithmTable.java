package dev.lockstep.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.function.IntSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.host.AtomicFile;

/** Which algorithm was found the fastest for each shape, in a file of one device and library. */
final class AlgorithmTable {
    private static final Logger LOG = LoggerFactory.getLogger(AlgorithmTable.class);

    private final Path file;
    private final Properties best = new Properties();

    /** @param file need not exist, nor be writable */
    AlgorithmTable(Path file) {
        this.file = file;
        read();
    }

    private void read() {
        try (InputStream in = Files.newInputStream(file)) {
            best.load(in);
        } catch (IOException e) {
            LOG.debug("no table of algorithms in {}", file);
        }
    }

    /** The number that is in the table, or else what {@code search} finds, which is then kept there. */
    int best(String shape, IntSupplier search) {
        String known = best.getProperty(shape);
        if (known != null && known.matches("\\d{1,2}")) {
            return Integer.parseInt(known);
        }
        int found = search.getAsInt();
        // what other ranks found meanwhile
        read();
        best.setProperty(shape, Integer.toString(found));
        try {
            AtomicFile.writeCached(file, out -> best.store(out, null));
        } catch (IOException e) {
            LOG.debug("{} cannot be written", file, e);
        }
        return found;
    }
}
