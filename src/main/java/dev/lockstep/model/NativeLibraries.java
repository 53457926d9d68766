package dev.lockstep.model;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;

import ai.djl.util.Utils;
import com.sun.jna.NativeLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets one process of a host at a time load DJL's native libraries. On first use DJL unpacks hundreds of megabytes into
 * its cache directory and replaces what it finds there; ranks that start together would delete each other's files.
 */
final class NativeLibraries {
    private static final Logger LOG = LoggerFactory.getLogger(NativeLibraries.class);
    private static final String LOCK_FILE = "lockstep.lock";
    // A file lock belongs to the whole JVM, so threads are kept apart by the monitor and nesting by this flag.
    private static boolean held;

    static {
        // On its first use DJL asks the host's cloud metadata service who it is and reports to its makers.
        setDefault("OPT_OUT_TRACKING", "true");
        // On a GPU host it would look for a CUDA build of the tokenizer, which gains nothing but a download.
        setDefault("RUST_FLAVOR", "cpu");
        // Left to itself a thread of libtorch spins between two kernels, and takes the core from whoever else has work.
        setVariable("OMP_WAIT_POLICY", "PASSIVE");
    }

    private NativeLibraries() {}

    /** DJL takes a setting from the environment or, failing that, from the system properties. */
    private static void setDefault(String name, String value) {
        if (System.getenv(name) == null && System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }

    /** Sets a variable, unless it is set, of the environment in which native libraries look when they are loaded. */
    private static void setVariable(String name, String value) {
        try {
            NativeLibrary.getProcess().getFunction("setenv").invokeInt(new Object[]{name, value, 0});
        } catch (LinkageError e) {
            LOG.debug("{} is left as it is", name, e);
        }
    }

    /**
     * Runs the first use of a native library while this process holds the lock of the cache directory.
     *
     * @param load what makes DJL load the library; must not wait for another rank
     * @return what it returns
     * @throws ModelException when it throws a checked exception
     */
    static synchronized <T> T load(Callable<T> load) {
        if (held) {
            return call(load);
        }
        held = true;
        // closing the channel releases the lock
        try (FileChannel channel = open(Utils.getEngineCacheDir())) {
            lock(channel);
            return call(load);
        } catch (IOException e) {
            throw new ModelException(
                    "The lock of " + Utils.getEngineCacheDir() + " cannot be released: " + e.getMessage(),
                    e);
        } finally {
            held = false;
        }
    }

    /** Null where the directory takes no lock file, for instance a read-only cache that was filled beforehand. */
    private static FileChannel open(Path cache) {
        try {
            Files.createDirectories(cache);
            return FileChannel.open(cache.resolve(LOCK_FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            LOG.debug("no lock file in {}", cache, e);
            return null;
        }
    }

    private static void lock(FileChannel channel) {
        try {
            if (channel != null) {
                channel.lock();
            }
        } catch (IOException e) {
            LOG.debug("{} cannot be locked; some network file systems have no locks", LOCK_FILE, e);
        }
    }

    private static <T> T call(Callable<T> load) {
        try {
            return load.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new ModelException("A native library cannot be loaded: " + e.getMessage(), e);
        }
    }
}
