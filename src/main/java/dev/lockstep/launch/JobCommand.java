package dev.lockstep.launch;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.ClassPath;
import dev.lockstep.launch.local.NestedJar;

/**
 * What every rank's JVM runs.
 *
 * @param classPath the user's part of the class path: entries, absolute; an entry may end in {@code /*}
 * @param program   the class name or the source file, then the job's own options untouched
 */
record JobCommand(List<String> classPath, List<String> program) {
    /**
     * @param words   JOB and everything after it; JOB is a built-in, a class name, a .java file, or -jar and a jar
     * @param user    the user's class path, absolute
     * @param runtime Lockstep's own class path
     * @param from    the directory that relative paths start from
     * @throws UsageException when there is no such job
     */
    static JobCommand resolve(List<String> words, List<String> user, List<String> runtime, Path from) {
        String job = words.get(0);
        List<String> classPath = new ArrayList<>(user);
        List<String> program = new ArrayList<>();
        if (job.equals("-jar")) {
            if (words.size() < 2) {
                throw new UsageException("-jar: name the jar file after it");
            }
            program.add(addJar(words.get(1), classPath, from));
            program.addAll(words.subList(2, words.size()));
        } else if (job.endsWith(".java")) {
            Path source = from.resolve(job);
            if (!Files.isRegularFile(source)) {
                throw new UsageException("there is no file " + job);
            }
            program.add(source.toString());
            program.addAll(words.subList(1, words.size()));
            return of(classPath, program, runtime);
        } else {
            program.add(builtIn(job).map(BuiltInJob::mainClass).orElse(job));
            program.addAll(words.subList(1, words.size()));
        }
        if (!new ClassPath(classPath).hasClass(program.get(0)) && !new ClassPath(runtime).hasClass(program.get(0))) {
            throw new UsageException(
                    "there is no job " + (job.equals("-jar") ? program.get(0) : job) + ": name a built-in ("
                            + BuiltInJob.all().stream().map(BuiltInJob::name).collect(Collectors.joining(", "))
                            + "), a class that is on -cp, a .java file, or -jar and a jar" + missing(user));
        }
        return of(classPath, program, runtime);
    }

    /** What of the user's class path is Lockstep's own is left to Lockstep, whose class data serves its own jars only. */
    private static JobCommand of(List<String> classPath, List<String> program, List<String> runtime) {
        return new JobCommand(new ClassPath(classPath).without(runtime).entries(), program);
    }

    private static String missing(List<String> classPath) {
        List<String> missing = classPath.stream().filter(entry -> !new File(entry.replaceFirst("/\\*$", "")).exists())
                .toList();
        return missing.isEmpty()
                ? ""
                : "; of -cp there is no " + String.join(" and no ", missing);
    }

    /** The job of this name that comes with Lockstep. */
    static Optional<BuiltInJob> builtIn(String name) {
        return BuiltInJob.all().stream().filter(job -> job.name().equals(name)).findFirst();
    }

    /** Adds the jar and its manifest's Class-Path, and returns its Main-Class. */
    private static String addJar(String name, List<String> classPath, Path from) {
        Path jar = from.resolve(name);
        try (JarFile file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            Attributes attributes = manifest == null ? new Attributes() : manifest.getMainAttributes();
            String main = attributes.getValue(Attributes.Name.MAIN_CLASS);
            if (main == null) {
                throw new UsageException("the manifest of " + name + " has no Main-Class: put the jar on -cp and name "
                        + "the class to run");
            }
            classPath.add(jar.toString());
            String more = attributes.getValue(Attributes.Name.CLASS_PATH);
            for (String entry : more == null ? new String[0] : more.strip().split("\\s+")) {
                classPath.add(jar.resolveSibling(Path.of(URI.create(entry).getPath())).normalize().toString());
            }
            String nested = NestedJar.launcherOf(main.strip());
            return file.getEntry(nested.replace('.', '/') + ".class") == null ? main.strip() : nested;
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException("-jar " + name + " cannot be read as a jar file: " + IoReason.of(e), e);
        }
    }
}
