package dev.lockstep.launch.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

import org.jspecify.annotations.Nullable;

/**
 * Archives from which the ranks' JVMs take Lockstep's classes and those of its libraries as they were read, checked and
 * linked before (class data sharing). launch/setup.sh names the directory of this build and JDK, launch/class-data.sh makes
 * it; a JVM that finds its archive wanting goes on without.
 *
 * <p>
 * An archive serves class paths that begin as the one it was made with, so Lockstep's own comes first then. That makes no
 * difference to a program unless it brings packages or services that Lockstep has too: those keep their place, and get no
 * archive.
 */
final class ClassData {
    /** The directory, whole and nobody else's. */
    private static final String DIRECTORY = "lockstep.class.data";
    /** The script that makes it, where there is none and one could be made. */
    private static final String SCRIPT = "lockstep.class.data.script";
    /** The directory in which archives are to be made by the job that is started. */
    private static final String MAKE = "lockstep.class.data.make";
    private static final String NAMES = "names";
    private static final String PERCENTAGE = "-XX:MaxRAMPercentage=";
    /** From this heap on pointers take 8 bytes, and classes another form. */
    private static final long WIDE_HEAP = 32L << 30;
    /** A user who has to do with archives or with what is in them does it alone. */
    private static final Pattern OWN = Pattern.compile("-Xshare|Archive|SharedClassList|-javaagent|-agent(lib|path)");
    private static final long STARTING_SECONDS = 5;

    private final List<String> options;
    private final Set<String> names;

    private ClassData(List<String> options, Set<String> names) {
        this.options = options;
        this.names = names;
    }

    /**
     * What this host has for ranks with these options; nothing that cannot be used is an error.
     *
     * @param memory      bytes that the ranks of this host may take, 0 where only the machine has a limit
     * @param environment of the ranks
     */
    static ClassData find(List<String> options, long memory, Map<String, String> environment) {
        ClassData none = new ClassData(List.of(), Set.of());
        String directory = System.getProperty(DIRECTORY, "");
        if (directory.isEmpty() || Stream.concat(options.stream(), Stream.of(environment
                .getOrDefault("JAVA_TOOL_OPTIONS", ""), environment.getOrDefault("JDK_JAVA_OPTIONS", "")))
                .anyMatch(option -> OWN.matcher(option).find())) {
            return none;
        }
        try {
            Path archive = Path.of(directory, archive(isWide(options, memory)));
            if (!Files.isReadable(archive)) {
                return none;
            }
            List<String> flags = new ArrayList<>(
                    List.of(Files.readString(archive.resolveSibling("options")).strip().split("\\s+")));
            flags.add("-XX:SharedArchiveFile=" + archive);
            return new ClassData(flags, Set.copyOf(Files.readAllLines(archive.resolveSibling(NAMES))));
        } catch (IOException | NumberFormatException e) {
            return none; // the JVM will say what is wrong with a number
        }
    }

    /** The options of a rank of the job that makes the archives: one with short pointers, one with long ones. */
    static List<String> making(int rank, List<String> runtime) throws IOException {
        String directory = System.getProperty(MAKE, "");
        if (directory.isEmpty() || rank > 1) {
            return List.of();
        }
        if (rank == 0) {
            Files.write(Path.of(directory, NAMES), names(runtime));
        }
        boolean wide = rank == 1;
        return List.of("-XX:ArchiveClassesAtExit=" + Path.of(directory, archive(wide)), "-Xlog:cds*=off", "-Xmx512m",
                wide ? "-XX:-UseCompressedOops" : "-XX:+UseCompressedOops");
    }

    /** As the JVM decides it, if a heap is given as a share; a wrong guess costs the archive only. */
    private static boolean isWide(List<String> options, long memory) throws IOException {
        String percent = options.stream().filter(option -> option.startsWith(PERCENTAGE))
                .reduce("", (first, last) -> last.substring(PERCENTAGE.length()));
        if (percent.isEmpty()) {
            return false;
        }
        if (memory == 0) {
            try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
                memory = lines.filter(line -> line.startsWith("MemTotal:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).sum();
            }
        }
        return memory / 100.0 * Double.parseDouble(percent) >= WIDE_HEAP;
    }

    /** For the beginning of the command line; none where there is no archive. */
    List<String> options() {
        return options;
    }

    /**
     * Whether there are archives, and a class path may begin with Lockstep's own.
     *
     * @param user the program's part of it
     */
    boolean serves(List<String> user) {
        Set<String> seen = new HashSet<>();
        return !options.isEmpty() && user.stream().allMatch(entry -> isApart(entry, seen));
    }

    /** Makes the archives in the background, if there are none yet, now that a job is over. */
    static void makeIfMissing() {
        String script = System.getProperty(SCRIPT);
        if (script == null) {
            return;
        }
        try {
            new ProcessBuilder(script, "--background")
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectInput(new File("/dev/null")).start().waitFor(STARTING_SECONDS, TimeUnit.SECONDS);
        } catch (IOException e) {
            // the next job has none either
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether an entry of the class path, and what it names itself, has no package and no service that Lockstep has. */
    private boolean isApart(String entry, Set<String> seen) {
        File file = new File(entry);
        if (!seen.add(entry)) {
            return true;
        }
        if (entry.endsWith("/*")) {
            return jars(file.getParentFile()).stream().allMatch(jar -> isApart(jar, seen));
        }
        if (file.isDirectory()) {
            return names.stream().noneMatch(name -> new File(file, name).exists());
        }
        if (!file.isFile()) {
            return true;
        }
        try (JarFile jar = new JarFile(file, false)) {
            for (Enumeration<? extends ZipEntry> all = jar.entries(); all.hasMoreElements();) {
                if (names.contains(name(all.nextElement().getName()))) {
                    return false;
                }
            }
            for (String more : classPath(jar.getManifest())) {
                // an address with a scheme or an escape is not looked into
                if (more.matches(".*[:%].*")
                        || !isApart(file.toPath().resolveSibling(more).normalize().toString(), seen)) {
                    return false;
                }
            }
            return true;
        } catch (IOException | IllegalArgumentException e) {
            return false; // whatever it is, it keeps its place
        }
    }

    /** What two entries of a class path must not both have, so that their order does not matter. */
    private static Set<String> names(Collection<String> jars) throws IOException {
        Set<String> names = new TreeSet<>();
        for (String entry : jars) {
            try (JarFile jar = new JarFile(entry)) {
                jar.stream().map(each -> name(each.getName())).filter(name -> !name.isEmpty()).forEach(names::add);
            }
        }
        return names;
    }

    /** The package of a class, a resource or service as it is, and nothing for what every jar has. */
    private static String name(String entry) {
        if (entry.endsWith(".class")) {
            return entry.substring(0, Math.max(0, entry.lastIndexOf('/')));
        }
        return entry.endsWith("/") || entry.startsWith("META-INF/") && !entry.startsWith("META-INF/services/")
                ? ""
                : entry;
    }

    private static String[] classPath(@Nullable Manifest manifest) {
        String entries = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
        return entries == null ? new String[0] : entries.strip().split("\\s+");
    }

    /** In an order that stays. */
    static List<String> jars(File directory) {
        String[] names = directory.list((where, name) -> name.endsWith(".jar") || name.endsWith(".JAR"));
        return names == null
                ? List.of()
                : Stream.of(names).sorted().map(name -> new File(directory, name).getPath()).toList();
    }

    private static String archive(boolean wide) {
        return wide ? "ranks-wide.jsa" : "ranks.jsa";
    }
}
