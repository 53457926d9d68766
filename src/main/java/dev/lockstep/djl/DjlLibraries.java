package dev.lockstep.djl;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import ai.djl.engine.EngineException;
import ai.djl.util.Platform;
import ai.djl.util.Utils;
import com.sun.jna.NativeLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.host.OwnFiles;

/**
 * Lets one process of a host at a time load DJL's native libraries. On first use DJL unpacks hundreds of megabytes into
 * its cache directory and replaces what it finds there; ranks that start together would delete each other's files.
 */
public final class DjlLibraries {
    private static final Logger LOG = LoggerFactory.getLogger(DjlLibraries.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Pattern LIBRARY = Pattern.compile("\\.so(\\.|$)");
    private static final int DEPTH = 4;
    /** What libtorch for CPU and the tokenizer take, unpacked. */
    private static final long ROOM = 1L << 29;
    private static final int OTHERS_WRITE = 022;
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

    private DjlLibraries() {}

    /** DJL takes a setting from the environment or, failing that, from the system properties. */
    private static void setDefault(String name, String value) {
        if (System.getenv(name) == null && System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }

    /** Sets a variable, unless it is set, of the environment in which native libraries look when they are loaded. */
    public static void setVariable(String name, String value) {
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
     * @throws LibraryException when it throws a checked exception
     */
    public static synchronized <T> T load(Callable<T> load) {
        if (held) {
            return call(load);
        }
        held = true;
        Path cache = Utils.getEngineCacheDir();
        // closing the channel releases the lock
        try (FileChannel channel = DirectoryLock.open(cache)) {
            DirectoryLock.take(channel, cache, PATIENCE, LOG::warn);
            check(cache);
            // what DJL unpacks is not to be written by others, whatever this user's files are otherwise
            int before = mask(OTHERS_WRITE);
            mask(Math.max(0, before) | OTHERS_WRITE);
            try {
                return call(load);
            } finally {
                if (before >= 0) {
                    mask(before);
                }
            }
        } catch (IOException e) {
            throw new LibraryException(
                    "The lock of " + cache + " cannot be released: " + e.getMessage(),
                    e);
        } finally {
            held = false;
        }
    }

    /**
     * Looks at all that DJL has unpacked before any of it is loaded.
     *
     * @throws LibraryException when somebody else may have written it
     */
    static void check(Path cache) {
        try (Stream<Path> files = Files.walk(cache, DEPTH)) {
            files.filter(file -> LIBRARY.matcher(file.getFileName().toString()).find()).map(OwnFiles::fault)
                    .flatMap(Optional::stream).findFirst().ifPresent(fault -> {
                        throw new LibraryException(
                                "Native libraries are not loaded from " + cache + ", because " + fault
                                        + "; remove it, or set DJL_CACHE_DIR to a directory of your own.");
                    });
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("nothing is unpacked in {}", cache, e); // or not for us to read, then DJL says so
        }
    }

    /** The directory that DJL will fetch PyTorch into before it can load it; empty where it has it, or is given one. */
    public static Optional<Path> pyTorchToBeFetched() {
        Path directory = Utils.getEngineCacheDir("pytorch");
        if (Utils.getEnvOrSystemProperty("PYTORCH_LIBRARY_PATH") != null
                || !Platform.detectPlatform("pytorch").isPlaceholder()) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(directory, DEPTH)) {
            return files.anyMatch(file -> file.endsWith("libtorch.so")) ? Optional.empty() : Optional.of(directory);
        } catch (IOException | UncheckedIOException e) {
            return Optional.of(directory); // there is none yet
        }
    }

    /** Sets the mask of permissions that new files do not get, and returns the one before; -1 where it cannot. */
    private static int mask(int permissions) {
        try {
            return NativeLibrary.getProcess().getFunction("umask").invokeInt(new Object[]{permissions});
        } catch (LinkageError e) {
            LOG.debug("the umask is left as it is", e);
            return -1;
        }
    }

    private static <T> T call(Callable<T> load) {
        try {
            return load.call();
        } catch (EngineException e) {
            throw new LibraryException(sentence(Utils.getEngineCacheDir(), e), e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new LibraryException("A native library cannot be loaded: " + e.getMessage(), e);
        }
    }

    /** Where DJL could write nothing it goes on to what is not there either, and throws that. */
    private static String sentence(Path cache, EngineException error) {
        Optional<String> disk = diskFault(cache);
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (disk.isEmpty() && isOfTheNetwork(cause)) {
            return "The host that DJL fetches PyTorch from cannot be reached (" + networkReason(cause) + "), and "
                    + cache.resolve("pytorch")
                    + " does not hold it: copy that directory from a machine of the same kind "
                    + "that has a network, or set PYTORCH_LIBRARY_PATH to the libraries of an installed PyTorch, or use a "
                    + "bundle that brings them (launch/bundle.sh --libtorch DIR).";
        }
        return "DJL's native libraries cannot be loaded (" + disk.orElse(cause.toString())
                + "): it unpacks or fetches them into " + cache
                + ", which must be writable, or filled beforehand (DJL_CACHE_DIR names another directory).";
    }

    private static Optional<String> diskFault(Path cache) {
        try {
            Files.delete(Files.createTempFile(Files.createDirectories(cache), "probe", ""));
            long free = Files.getFileStore(cache).getUsableSpace();
            return free < ROOM ? Optional.of("only " + (free >> 20) + " MB are free there") : Optional.empty();
        } catch (IOException e) {
            return Optional.of(e instanceof FileSystemException file && file.getReason() != null
                    ? file.getReason()
                    : e.toString());
        }
    }

    /** Of what else it reads and writes, files, the reasons are a {@link FileSystemException}'s. */
    private static boolean isOfTheNetwork(Throwable cause) {
        return cause instanceof IOException && !(cause instanceof FileSystemException);
    }

    /** The host's name and address say nothing to whoever cannot reach it. */
    private static String networkReason(Throwable cause) {
        return cause instanceof UnknownHostException
                ? "its name is not known here"
                : String.valueOf(cause.getMessage()).replaceFirst(" for URL: .*|\\.$", "");
    }
}
