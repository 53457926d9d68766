package org.apache.log4j;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import mpi.MPI;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;

class LoggerTest {
    private static final String NAME = "a logger of LoggerTest";

    private final ch.qos.logback.classic.Logger behind = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(NAME);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final Logger logger = Logger.getLogger(NAME);

    @BeforeEach
    void catchLines() {
        lines.start();
        behind.addAppender(lines);
        behind.setAdditive(false);
        behind.setLevel(ch.qos.logback.classic.Level.TRACE);
    }

    @AfterEach
    void letGo() {
        behind.detachAndStopAllAppenders();
    }

    /** As the JVM would resolve them: what is missing here, or has another type, is missing when MPJ runs. */
    @Test
    void everythingThatMpjNames_isThere() throws IOException, URISyntaxException {
        Path jar = Path.of(MPI.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        JavaClasses mpj;
        try (JarFile file = new JarFile(jar.toFile())) {
            mpj = new ClassFileImporter().importJar(file);
        }
        List<JavaAccess<?>> accesses = mpj.stream().flatMap(each -> each.getAccessesFromSelf().stream())
                .<JavaAccess<?>>filter(access -> isOurs(access.getTargetOwner())).toList();
        assertThat(accesses).hasSizeGreaterThan(30);
        for (JavaAccess<?> access : accesses) {
            assertThat(access.getTarget().resolveMember()).as(access.getDescription()).isPresent();
            if (access instanceof JavaCodeUnitAccess<?> call) {
                JavaClass returned = access.getTarget().resolveMember()
                        .map(member -> ((com.tngtech.archunit.core.domain.JavaCodeUnit) member).getRawReturnType())
                        .orElseThrow();
                assertThat(returned.getName()).as(call.getDescription())
                        .isEqualTo(call.getTarget().getRawReturnType().getName());
            }
        }
        Stream<JavaClass> named = mpj.stream().flatMap(each -> each.getDirectDependenciesFromSelf().stream())
                .map(dependency -> dependency.getTargetClass()).filter(LoggerTest::isOurs);
        assertThat(named).isNotEmpty().allSatisfy(
                each -> assertThat(getClass().getClassLoader().getResource(each.getName().replace('.', '/') + ".class"))
                        .as(each.getName()).isNotNull());
    }

    @Test
    void getLogger_sameName_isTheSame() {
        assertThat(Logger.getLogger(NAME)).isSameAs(logger).isNotSameAs(Logger.getRootLogger());
    }

    @ParameterizedTest
    @CsvSource({"OFF, ''", "FATAL, ERROR three", "info, INFO two;ERROR three",
            "Debug, DEBUG one;INFO two;ERROR three", "ALL, DEBUG one;INFO two;ERROR three", "nonsense, ''", "'', ''"})
    void level_ofTheConfiguration_decides(String level, String logged) {
        logger.setLevel(Level.toLevel(level, Level.OFF));
        logger.debug("one");
        logger.info(new StringBuilder("two"));
        logger.fatal("three");
        assertThat(lines.list).extracting(line -> line.getLevel() + " " + line.getFormattedMessage())
                .containsExactlyElementsOf(logged.isEmpty() ? List.of() : List.of(logged.split(";")));
        assertThat(logger.isDebugEnabled()).isEqualTo(logged.contains("DEBUG"));
    }

    @Test
    void level_ofSlf4jsBackend_decidesToo() {
        logger.setLevel(Level.ALL);
        behind.setLevel(ch.qos.logback.classic.Level.INFO);
        logger.debug("one");
        logger.info("{} two");
        assertThat(logger.isDebugEnabled()).isFalse();
        assertThat(lines.list).extracting(ILoggingEvent::getFormattedMessage).containsExactly("{} two");
    }

    private static boolean isOurs(JavaClass target) {
        return target.getPackageName().startsWith("org.apache.log4j");
    }
}
