package dev.lockstep.djl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import com.sun.jna.NativeLibrary;

/** Native libraries that this process has loaded already, wherever DJL or the system took them from. */
public final class LoadedLibrary {
    // looking one up reads a file
    private static final Map<String, NativeLibrary> FOUND = new ConcurrentHashMap<>();

    private LoadedLibrary() {}

    /**
     * @param name a file name such as libtorch_cuda.so; a version after it makes no difference
     * @throws UnsatisfiedLinkError when no such library is loaded
     */
    public static NativeLibrary named(String name) {
        return FOUND.computeIfAbsent(name, each -> NativeLibrary.getInstance(file(each).toString(), Map.of()));
    }

    /**
     * Loads a library from the directory of one that is loaded, or takes it where it is loaded already.
     *
     * @param name file names that will do; the first in alphabetical order is taken
     * @throws UnsatisfiedLinkError when there is none
     */
    public static NativeLibrary beside(String loaded, Pattern name) {
        Path directory = file(loaded).getParent();
        try (Stream<Path> files = Files.list(directory)) {
            return NativeLibrary.getInstance(
                    files.filter(file -> name.matcher(file.getFileName().toString()).matches()).sorted().findFirst()
                            .orElseThrow(() -> new UnsatisfiedLinkError("no " + name + " in " + directory)).toString(),
                    Map.of());
        } catch (IOException e) {
            throw new UnsatisfiedLinkError(directory + " cannot be read: " + e.getMessage());
        }
    }

    /**
     * Where a library that is loaded lies.
     *
     * @throws UnsatisfiedLinkError when no such library is loaded
     */
    public static Path directory(String name) {
        return file(name).resolveSibling("");
    }

    private static Path file(String name) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                int path = line.indexOf('/');
                String file = path < 0 ? "" : line.substring(line.lastIndexOf('/') + 1);
                if (file.equals(name) || file.startsWith(name + ".")) {
                    return Path.of(line.substring(path));
                }
            }
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("/proc/self/maps cannot be read: " + e.getMessage());
        }
        throw new UnsatisfiedLinkError(name + " is not loaded");
    }
}
