package dev.lockstep.launch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.UserBuild;

import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Jars that have everything in them: what they say about logging is kept, and their libraries are the program's. */
class FatJarIT {
    /** One whose conversions do not know the logback that Lockstep has. */
    private static final String SPRING_BOOT = "3.2.12";
    private static final String LOGBACK = """
            <configuration>
              <appender name="own" class="ch.qos.logback.core.ConsoleAppender">
                <encoder><pattern>own %level %msg%n</pattern></encoder>
              </appender>
              <root level="INFO"><appender-ref ref="own"/></root>
            </configuration>
            """;

    @TempDir
    private Path scratch;

    private Path source(String text) throws IOException {
        return Files.writeString(Files.createDirectories(scratch.resolve("src")).resolve("Job.java"), text);
    }

    private static JarOutputStream jar(Path file, String... attributes) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        for (int i = 0; i < attributes.length; i += 2) {
            manifest.getMainAttributes().putValue(attributes[i], attributes[i + 1]);
        }
        return new JarOutputStream(Files.newOutputStream(file), manifest);
    }

    /** As maven-shade-plugin does, the first of a name wins. */
    private static void addAll(JarOutputStream jar, Path library, Set<String> names) throws IOException {
        try (JarFile from = new JarFile(library.toFile())) {
            for (JarEntry entry : from.stream().toList()) {
                boolean signature = entry.getName().matches("META-INF/(MANIFEST\\.MF|[^/]*\\.(SF|RSA|DSA))");
                if (!signature && !entry.isDirectory() && names.add(entry.getName())) {
                    jar.putNextEntry(new JarEntry(entry.getName()));
                    try (InputStream in = from.getInputStream(entry)) {
                        in.transferTo(jar);
                    }
                }
            }
        }
    }

    private static void addAll(JarOutputStream jar, Path classes, String folder) throws IOException {
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                jar.putNextEntry(new JarEntry(folder + classes.relativize(file)));
                Files.copy(file, jar);
            }
        }
    }

    private static void add(JarOutputStream jar, String name, String text) throws IOException {
        jar.putNextEntry(new JarEntry(name));
        jar.write(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void shadedJar_withLoggingOfItsOwn_logsItsWay() throws IOException, InterruptedException {
        Path classes = Files.createDirectories(scratch.resolve("classes"));
        UserBuild.compile(source("""
                package org.example;

                import org.slf4j.LoggerFactory;

                import dev.lockstep.world.World;

                public class Job {
                    public record Part(int rank) {}

                    public static void main(String[] args) {
                        try (World world = World.init(args)) {
                            LoggerFactory.getLogger(Job.class).info("from {}", world.rank());
                            world.gather(new Part(world.rank()), Part.class).ifPresent(world::print);
                        }
                    }
                }
                """), classes, List.of());
        Path shaded = scratch.resolve("shaded.jar");
        Set<String> names = new HashSet<>();
        try (JarOutputStream jar = jar(shaded, "Main-Class", "org.example.Job");
                Stream<Path> libraries = Files
                        .list(Launched.HOME.resolve("target/lib"))) {
            addAll(jar, classes, "");
            add(jar, "logback.xml", LOGBACK);
            addAll(jar, Launched.HOME.resolve("target/lockstep.jar"), names);
            for (Path library : libraries
                    .filter(each -> each.getFileName().toString().matches("(jackson|slf4j|logback).*")).toList()) {
                addAll(jar, library, names);
            }
        }
        Launched.Result result = mpjrun("-np", "2", "-jar", shaded.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).containsExactlyInAnyOrder("own INFO from 0", "own INFO from 1",
                "[Part[rank=0], Part[rank=1]]");
        assertThat(result.stderr()).isEmpty();
    }

    @Test
    @LongRun
    void springBootJar_logsItsWayWithItsOwnLibraries() throws IOException, InterruptedException {
        UserBuild project = new UserBuild(scratch.resolve("project"),
                UserBuild.dependency("org.springframework.boot:spring-boot-starter:" + SPRING_BOOT)
                        + UserBuild.dependency("org.springframework.boot:spring-boot-loader:" + SPRING_BOOT));
        List<Path> libraries = project.libraries("Spring Boot");
        Path classes = Files.createDirectories(scratch.resolve("classes"));
        UserBuild.compile(source("""
                package org.example;

                import java.util.Map;

                import org.slf4j.LoggerFactory;
                import org.springframework.boot.SpringApplication;
                import org.springframework.boot.autoconfigure.SpringBootApplication;

                import dev.lockstep.world.World;

                @SpringBootApplication
                public class Job {
                    public record Part(int rank, String logback) {}

                    public static void main(String[] args) {
                        try (World world = World.init(args)) {
                            SpringApplication job = new SpringApplication(Job.class);
                            job.setDefaultProperties(Map.of("spring.main.banner-mode", "off"));
                            job.run(args);
                            LoggerFactory.getLogger(Job.class).info("from {}", world.rank());
                            String logback = LoggerFactory.getILoggerFactory().getClass().getProtectionDomain()
                                    .getCodeSource().getLocation().toString().replaceAll(".*lib/|!.*", "");
                            world.gather(new Part(world.rank(), logback), Part.class).ifPresent(world::print);
                        }
                    }
                }
                """), classes, libraries);
        Path boot = scratch.resolve("boot.jar");
        Path loader = libraries.stream().filter(each -> each.toString().contains("spring-boot-loader")).findFirst()
                .orElseThrow();
        try (JarOutputStream jar = jar(boot, "Main-Class", "org.springframework.boot.loader.launch.JarLauncher",
                "Start-Class", "org.example.Job", "Spring-Boot-Classes", "BOOT-INF/classes/", "Spring-Boot-Lib",
                "BOOT-INF/lib/")) {
            addAll(jar, loader, new HashSet<>());
            for (String folder : List.of("BOOT-INF/", "BOOT-INF/classes/", "BOOT-INF/lib/")) {
                jar.putNextEntry(new JarEntry(folder));
            }
            addAll(jar, classes, "BOOT-INF/classes/");
            addStored(jar, "lockstep-0.jar", Launched.HOME.resolve("target/lockstep.jar"));
            for (Path library : libraries) {
                if (!library.equals(loader)) {
                    addStored(jar, library.getFileName().toString(), library);
                }
            }
        }
        Launched.Result result = mpjrun("-np", "2", "-jar", boot.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.lines()).last().asString()
                .matches(
                        "\\[Part\\[rank=0, logback=(logback-classic-1\\.4\\.[\\d.]+jar)], Part\\[rank=1, logback=\\1]]");
        assertThat(result.lines()).anyMatch(line -> line.matches(".* INFO .* org\\.example\\.Job +: from 0"))
                .anyMatch(line -> line.matches(".* INFO .* org\\.example\\.Job +: from 1"))
                .noneMatch(line -> line.contains("PARSER_ERROR") || line.contains("WARN"));
        assertThat(result.stderr()).isEmpty();
    }

    /** Not compressed, as Spring Boot reads them. */
    private static void addStored(JarOutputStream jar, String name, Path library) throws IOException {
        byte[] bytes = Files.readAllBytes(library);
        CRC32 sum = new CRC32();
        sum.update(bytes);
        JarEntry entry = new JarEntry("BOOT-INF/lib/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(sum.getValue());
        jar.putNextEntry(entry);
        jar.write(bytes);
    }
}
