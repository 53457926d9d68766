package dev.lockstep.launch.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * A class path that is looked into, not run.
 *
 * @param entries directories and jars; one may end in {@code /*}
 */
public record ClassPath(List<String> entries) {
    private static final String LOCKSTEP = "dev/lockstep/world/World.class";
    private static final String LOGS_BY_SLF4J = "META-INF/services/org.slf4j.spi.SLF4JServiceProvider";
    private static final List<String> SETTINGS_OF_LOGBACK = List.of("logback.xml", "logback-test.xml",
            "META-INF/services/ch.qos.logback.classic.spi.Configurator",
            "org/springframework/boot/logging/LoggingSystem.class");

    /**
     * What a program brings that Lockstep has too.
     *
     * @param lockstep        Lockstep itself, of whatever build
     * @param logging         what slf4j logs with
     * @param loggingSettings how logback is to log
     */
    record Brought(boolean lockstep, boolean logging, boolean loggingSettings) {}

    Brought brought() {
        Set<String> wanted = new HashSet<>(SETTINGS_OF_LOGBACK);
        wanted.addAll(List.of(LOCKSTEP, LOGS_BY_SLF4J));
        Set<String> found = found(wanted);
        return new Brought(found.contains(LOCKSTEP), found.contains(LOGS_BY_SLF4J),
                SETTINGS_OF_LOGBACK.stream().anyMatch(found::contains));
    }

    /** Whether there is a class of this name. */
    public boolean hasClass(String name) {
        return !found(Set.of(name.replace('.', '/') + ".class")).isEmpty();
    }

    /** Without jars that are, byte for byte, among others: as a build that depends on Lockstep lists them. */
    public ClassPath without(List<String> others) {
        Map<Long, List<Path>> bySize = new HashMap<>();
        others.forEach(other -> bySize.computeIfAbsent(new File(other).length(), size -> new ArrayList<>())
                .add(Path.of(other)));
        return new ClassPath(entries.stream().filter(entry -> !new File(entry).isFile() || bySize
                .getOrDefault(new File(entry).length(), List.of()).stream()
                .noneMatch(other -> isSame(Path.of(entry), other))).toList());
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.mismatch(one, other) < 0;
        } catch (IOException e) {
            return false; // it stays, and java says what it thinks of it
        }
    }

    /** The jars of a directory in place of an entry that stands for them. */
    public ClassPath expanded() {
        return new ClassPath(entries.stream().flatMap(entry -> entry.endsWith("/*")
                ? ClassData.jars(new File(entry.substring(0, entry.length() - 1))).stream()
                : Stream.of(entry)).toList());
    }

    /** Those of the files that are there. */
    private Set<String> found(Collection<String> files) {
        Set<String> found = new HashSet<>();
        for (String entry : expanded().entries) {
            if (new File(entry).isDirectory()) {
                files.stream().filter(file -> new File(entry, file).isFile()).forEach(found::add);
            } else {
                findInJar(files, new File(entry), found);
            }
        }
        return found;
    }

    private static void findInJar(Collection<String> files, File jar, Set<String> found) {
        if (!jar.isFile()) {
            return;
        }
        try (ZipFile zip = new ZipFile(jar)) {
            files.stream().filter(file -> zip.getEntry(file) != null).forEach(found::add);
        } catch (IOException e) {
            // not a jar: java skips it too
        }
    }
}
