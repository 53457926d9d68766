package dev.lockstep.launch.local;

import java.util.List;
import java.util.stream.Stream;

/**
 * A jar with jars in it, as Spring Boot makes them, whose main class is a loader that comes with them. One of its loaders
 * takes more entries for the class path that it makes; so the program's own libraries, its logging among them, go before
 * Lockstep's, which on the JVM's class path would go before them.
 */
public final class NestedJar {
    private static final String LOADERS = "org.springframework.boot.loader.";
    private static final String STOCK = ".JarLauncher";
    private static final String WITH_PATH = ".PropertiesLauncher";

    private NestedJar() {}

    /** The loader that is to run instead of a jar's Main-Class; that itself, if it is none. */
    public static String launcherOf(String main) {
        return main.startsWith(LOADERS) && main.endsWith(STOCK)
                ? main.substring(0, main.length() - STOCK.length()) + WITH_PATH
                : main;
    }

    static boolean isStartedBy(String main) {
        return main.startsWith(LOADERS) && main.endsWith(WITH_PATH);
    }

    /** @param own begins with Lockstep itself, which is the launcher's own build whatever the jar has of it */
    static String option(List<String> own, List<String> more) {
        return "-Dloader.path=" + String.join(",", Stream.of(own.subList(0, 1),
                List.of("BOOT-INF/classes", "BOOT-INF/lib"), own.subList(1, own.size()), more).flatMap(List::stream)
                .toList());
    }
}
