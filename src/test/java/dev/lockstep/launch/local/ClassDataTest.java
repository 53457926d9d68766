package dev.lockstep.launch.local;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class ClassDataTest {
    private static final String PROPERTY = "lockstep.class.data";
    private static final String MAKE = "lockstep.class.data.make";
    private static final List<String> PERCENT = List.of("-XX:MaxRAMPercentage=50.00");

    @TempDir
    private Path directory;

    @BeforeEach
    void makeDirectory() throws IOException {
        System.setProperty(MAKE, directory.toString());
        ClassData.making(0, List.of(jar("runtime.jar", null, "dev/lockstep/world/World.class", "root.properties",
                "META-INF/LICENSE", "META-INF/services/a.Service", "org/slf4j/")));
        System.clearProperty(MAKE);
        for (String archive : List.of("ranks.jsa", "ranks-wide.jsa")) {
            Files.writeString(directory.resolve(archive), archive);
        }
        Files.writeString(directory.resolve("options"), "-XX:+One -Xtwo\n");
        System.setProperty(PROPERTY, directory.toString());
    }

    @AfterEach
    void clear() {
        System.clearProperty(MAKE);
        System.clearProperty(PROPERTY);
    }

    @ParameterizedTest
    @CsvSource({"17179869184, ranks.jsa", "68719476735, ranks.jsa", "68719476736, ranks-wide.jsa",
            "1099511627776, ranks-wide.jsa"})
    void options_archiveForTheHeapsPointers(long memory, String archive) {
        assertThat(ClassData.find(PERCENT, memory, Map.of()).options()).containsExactly("-XX:+One", "-Xtwo",
                "-XX:SharedArchiveFile=" + directory.resolve(archive));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-Xshare:off", "-XX:SharedArchiveFile=x.jsa", "-XX:ArchiveClassesAtExit=x.jsa",
            "-XX:+AutoCreateSharedArchive", "-javaagent:a.jar", "-agentpath:/a.so"})
    void user_whoHasToDoWithArchives_hasNone(String option) {
        assertThat(ClassData.find(List.of("-Xmx1g", option), 0, Map.of()).serves(List.of())).isFalse();
        assertThat(ClassData.find(List.of("-Xmx1g"), 0, Map.of("JAVA_TOOL_OPTIONS", "-Xmx1g " + option)).options())
                .isEmpty();
        assertThat(ClassData.find(List.of("-Xmx1g"), 0, Map.of("JAVA_TOOL_OPTIONS", "-Xmx1g")).options()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ranks.jsa", "names", "options"})
    void directory_notWhole_isNone(String file) throws IOException {
        Files.delete(directory.resolve(file));
        assertThat(ClassData.find(List.of(), 0, Map.of()).options()).isEmpty();
    }

    @Test
    void directory_none_isNone() {
        System.clearProperty(PROPERTY);
        assertThat(ClassData.find(List.of(), 0, Map.of()).options()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"a/Program.class, true", "dev/lockstep/Program.class, true", "META-INF/LICENSE, true",
            "META-INF/services/b.Service, true", "World.class, true", "org/slf4j/text, true",
            "dev/lockstep/world/Other.class, false", "META-INF/services/a.Service, false", "root.properties, false"})
    void program_withWhatLockstepHas_isNotServed(String entry, boolean served) throws IOException {
        ClassData data = ClassData.find(List.of(), 0, Map.of());
        Path classes = Files.createDirectory(directory.resolve("classes"));
        Files.createDirectories(classes.resolve(entry).getParent());
        Files.writeString(classes.resolve(entry), "");
        String jar = jar("jars/program.jar", null, "first/Other.class", entry);
        String apart = jar("apart.jar", null, "first/Other.class");
        assertThat(data.serves(List.of(classes.toString()))).isEqualTo(served);
        assertThat(data.serves(List.of(apart, jar))).isEqualTo(served);
        assertThat(data.serves(List.of(directory.resolve("jars") + "/*"))).isEqualTo(served);
        assertThat(data.serves(List.of(jar("thin.jar", "apart.jar jars/program.jar", "a/Main.class"))))
                .isEqualTo(served);
        assertThat(data.serves(List.of(apart))).isTrue();
    }

    @Test
    void program_thatIsNoJarOrNotThere_isAsWithoutArchives() throws IOException {
        ClassData data = ClassData.find(List.of(), 0, Map.of());
        Path text = Files.writeString(directory.resolve("text.jar"), "no jar");
        assertThat(data.serves(List.of(text.toString()))).isFalse();
        assertThat(data.serves(List.of(directory.resolve("nowhere").toString()))).isTrue();
    }

    @Test
    void jars_thatNameEachOther_areSeenOnce() throws IOException {
        ClassData data = ClassData.find(List.of(), 0, Map.of());
        String one = jar("one.jar", "two.jar", "a/One.class");
        jar("two.jar", "one.jar ./two.jar", "a/Two.class");
        assertThat(data.serves(List.of(one))).isTrue();
        assertThat(data.serves(List.of(jar("far.jar", "file:/a.jar", "a/Far.class")))).isFalse();
    }

    private String jar(String name, String classPath, String... entries) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        if (classPath != null) {
            manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
        }
        try (OutputStream out = Files.newOutputStream(file); JarOutputStream jar = new JarOutputStream(out, manifest)) {
            for (String entry : entries) {
                jar.putNextEntry(new ZipEntry(entry));
            }
        }
        return file.toString();
    }
}
