package dev.lockstep.launch.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipFile;

/**
 * A class path that is looked into, not run.
 *
 * @param entries directories and jars; one may end in {@code /*}
 */
public record ClassPath(List<String> entries) {
    private static final String CLASSES_OF_SLF4J = "META-INF/services/org.slf4j.spi.SLF4JServiceProvider";
    private static final List<String> SETTINGS_OF_LOGBACK = List.of("logback.xml", "logback-test.xml",
            "META-INF/services/ch.qos.logback.classic.spi.Configurator",
            "org/springframework/boot/logging/LoggingSystem.class");
    private static final String LOCKSTEP = "dev.lockstep.world.World";

    /** Whether there is a class of this name. */
    public boolean hasClass(String name) {
        return has(name.replace('.', '/') + ".class");
    }

    /** Whether it has Lockstep in it, of whatever build. */
    boolean hasLockstep() {
        return hasClass(LOCKSTEP);
    }

    /** Whether it brings what slf4j logs with. */
    boolean hasLogging() {
        return has(CLASSES_OF_SLF4J);
    }

    /** Whether it says how logback is to log. */
    boolean hasLoggingSettings() {
        return SETTINGS_OF_LOGBACK.stream().anyMatch(this::has);
    }

    /** Without jars that are, byte for byte, among others: as a build that depends on Lockstep lists them. */
    public ClassPath without(List<String> others) {
        return new ClassPath(entries.stream().filter(entry -> others.stream().noneMatch(other -> isSame(entry, other)))
                .toList());
    }

    private static boolean isSame(String one, String other) {
        try {
            return new File(one).isFile() && new File(one).length() == new File(other).length()
                    && Files.mismatch(Path.of(one), Path.of(other)) < 0;
        } catch (IOException e) {
            return false; // it stays, and java says what it thinks of it
        }
    }

    private boolean has(String file) {
        for (String entry : entries) {
            if (entry.endsWith("/*")) {
                File[] jars = new File(entry.substring(0, entry.length() - 1))
                        .listFiles((directory, name) -> name.endsWith(".jar") || name.endsWith(".JAR"));
                for (File jar : jars == null ? new File[0] : jars) {
                    if (isInJar(file, jar)) {
                        return true;
                    }
                }
            } else if (new File(entry).isDirectory()
                    ? new File(entry, file).isFile()
                    : isInJar(file, new File(entry))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isInJar(String name, File jar) {
        if (!jar.isFile()) {
            return false;
        }
        try (ZipFile zip = new ZipFile(jar)) {
            return zip.getEntry(name) != null;
        } catch (IOException e) {
            return false; // not a jar: java skips it too
        }
    }
}
