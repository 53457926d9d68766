package dev.lockstep.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import com.sun.jna.NativeLibrary;

/** Native libraries that this process has loaded already, wherever DJL or the system took them from. */
final class LoadedLibrary {
    private LoadedLibrary() {}

    /**
     * @param name a file name such as libtorch_cuda.so; a version after it makes no difference
     * @throws UnsatisfiedLinkError when no such library is loaded
     */
    static NativeLibrary named(String name) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                int path = line.indexOf('/');
                String file = path < 0 ? "" : line.substring(line.lastIndexOf('/') + 1);
                if (file.equals(name) || file.startsWith(name + ".")) {
                    return NativeLibrary.getInstance(line.substring(path), Map.of());
                }
            }
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("/proc/self/maps cannot be read: " + e.getMessage());
        }
        throw new UnsatisfiedLinkError(name + " is not loaded");
    }
}
