package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** Text and streams as a shell, a batch system or cron leaves them. */
class LocaleIT {
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";

    @TempDir
    private Path scratch;
    private Path directory;

    @BeforeEach
    void makeDirectory() throws IOException {
        directory = Files.createDirectory(scratch.resolve("dir ü 漢"));
    }

    /** The last names what is not installed, which makes a JVM take all of the locale for C. */
    @ParameterizedTest
    @CsvSource({"C, ''", "'', POSIX", "'', ''", "'', de_XX.UTF-8"})
    void names_areUtf8_whateverTheLocale(String all, String language) throws IOException {
        Launched.Result result = mpjrun("-np", "1", "--output-filename", "out ü", "-x", "GREETING=ü", "-cp",
                TEST_CLASSES,
                PROGRAMS, "no-world", "ä 漢 👩").in(directory).env("LC_ALL", all).env("LANG", language)
                        .env("LC_CTYPE", null).run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(directory.resolve("out ü/rank.0.out")).hasContent("no world no-world|ä 漢 👩\n");
    }

    @Test
    void locale_changesInNothingButItsCharacters() {
        Launched.Command command = mpjrun("-np", "1", "-cp", TEST_CLASSES, PROGRAMS, "environment", "LANG|LC_.*")
                .env("LC_ALL", null).env("LANG", null).env("LC_CTYPE", null);
        assertThat(command.env("LC_TIME", "C").run().stdout()).isEqualTo("LC_CTYPE=C.UTF-8\nLC_TIME=C\n");
        assertThat(command.env("LANG", "C.UTF-8").env("LC_TIME", "POSIX").run().stdout())
                .isEqualTo("LANG=C.UTF-8\nLC_TIME=POSIX\n");
    }

    @Test
    void bytesThatAreNoUtf8_areRefusedWithASentence() {
        Launched.Result argument = shell("launch=$1; shift; exec \"$launch\" -np 1 hello $'a\\xff'");
        assertThat(argument.exitCode()).isEqualTo(2);
        assertThat(argument.stderr()).isEqualTo("mpjrun: the argument a\ufffd is not UTF-8\n");
        Launched.Result place = shell("mkdir $'d\\xff' && cd $'d\\xff' && exec \"$1\" -np 1 hello");
        assertThat(place.exitCode()).isEqualTo(2);
        assertThat(place.stderr()).startsWith("mpjrun: the working directory " + directory + "/d\ufffd cannot be used")
                .hasLineCount(1);
    }

    /** Rank 0 would find the first file that its JVM opens in the place of a stream. */
    @Test
    void streamsThatAreClosed_areEmpty() {
        Launched.Result input = shell("exec \"$1\" -np 2 -cp " + TEST_CLASSES + " " + PROGRAMS + " first-byte <&-");
        assertThat(input.stdout()).as(input.stderr()).isEqualTo("read [-1, -1]\n");
        assertThat(input.exitCode()).isZero();
        Launched.Result output = shell(
                "exec \"$1\" -np 2 -cp " + TEST_CLASSES + " " + PROGRAMS + " first-byte <&- >&- 2>&-");
        assertThat(output.exitCode()).isZero();
    }

    private Launched.Result shell(String command) {
        return Launched
                .script(Path.of("bash"), "-c", command, "bash", Launched.HOME.resolve("launch/mpjrun.sh").toString())
                .in(directory).run();
    }
}
