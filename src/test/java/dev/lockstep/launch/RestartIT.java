package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.host.HostName;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;

/** A job whose ranks die and are started again. */
class RestartIT {
    private static final String DIED = "mpjrun: rank 1 on host " + HostName.here()
            + " failed first: killed by signal 9 (SIGKILL)";

    private static Launched.Command program(List<String> options, String... args) {
        List<String> words = new ArrayList<>(List.of("-np", "2"));
        words.addAll(options);
        words.addAll(List.of("-cp", TEST_CLASSES, "dev.lockstep.fixtures.Programs"));
        words.addAll(Arrays.asList(args));
        return mpjrun(words.toArray(String[]::new));
    }

    @Test
    void rank_killed_allStartAgainAndKnowIt() {
        Launched.Result result = program(List.of("--max-restarts", "3"), "restarted", "KILL", "2").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr().lines()).containsExactly(DIED + "; restart 1 of 3 in 1 s",
                DIED + "; restart 2 of 3 in 2 s");
        assertThat(result.lines()).hasSize(3);
        String job = result.lines().get(0).replaceFirst(" .*", "");
        assertThat(job).isNotEmpty();
        assertThat(result.lines()).containsExactly(job + " restarts 0 0 0, 0 0 0", job + " restarts 1 1 1, 1 1 1",
                job + " restarts 2 2 2, 2 2 2");
    }

    @Test
    void rank_killedMoreOftenThanAllowed_endsTheJobWithItsCode() {
        Launched.Result result = program(List.of("--max-restarts", "1"), "restarted", "KILL", "9").run();
        assertThat(result.exitCode()).isEqualTo(137);
        assertThat(result.stderr().lines()).containsExactly(DIED + "; restart 1 of 1 in 1 s",
                DIED + " (after restart 1 of 1)");
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @CsvSource({"2", "3"})
    void rank_exitsWithACodeThatIsNoDeath_isNotStartedAgain(String code) {
        Launched.Result result = program(List.of("--max-restarts", "3"), "restarted", code, "9").run();
        assertThat(result.exitCode()).isEqualTo(Integer.parseInt(code));
        assertThat(result.stderr()).isEqualTo("mpjrun: rank 1 on host " + HostName.here()
                + " failed first: exited with code " + code + "\n");
        assertThat(result.lines()).hasSize(1);
    }

    @Test
    void rank_abortsForUsage_isNotStartedAgain() {
        Launched.Result result = program(List.of("--max-restarts", "3"), "abort", "2", "there is no such model").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo("there is no such model\n");
    }

    @Test
    void rank_diesWhenAllIsDone_endsWithTheCodeOfThat() {
        Launched.Result result = program(List.of("--max-restarts", "3"), "restarted", "done", "9").run();
        assertThat(result.exitCode()).isEqualTo(4);
        assertThat(result.lines()).hasSize(1);
    }

    @Test
    @LongRun
    void window_forgetsOldRestarts() {
        // the second death comes more than a second, the pause, after the first
        Launched.Result result = program(List.of("--max-restarts", "1", "--restart-window", "0.9"), "restarted", "KILL",
                "2").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr().lines()).containsExactly(DIED + "; restart 1 of 1 within 0.9 s in 1 s",
                DIED + "; restart 1 of 1 within 0.9 s in 2 s");
    }

    @ParameterizedTest
    @LongRun(butFor = 2)
    @CsvSource({"INT, 130", "TERM, 143"})
    void launcher_signalled_doesNotStartAgain(String name, int code) {
        FailureIT.assertSignalEndsBoth(program(List.of("--max-restarts", "3"), "wait"), name, code);
    }

    @Test
    void launcher_signalledWhileItWaits_endsAtOnce() {
        try (Launched launched = program(List.of("--max-restarts", "30"), "restarted", "KILL", "30").start()) {
            awaitTrue(Duration.ofSeconds(60), () -> launched.stderr().contains("in 4 s"));
            long begin = System.nanoTime();
            signal(launched.launcher(), "TERM");
            assertThat(launched.await().exitCode()).isEqualTo(143);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(3));
            assertThat(launched.ranks()).isEmpty();
        }
    }

    @Test
    @LongRun
    void timeout_spansAllRestarts() {
        Launched.Result result = program(List.of("--max-restarts", "30", "--timeout", "5"), "restarted", "KILL", "30")
                .run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr()).contains("; restart 1 of 30 in 1 s\n")
                .endsWith("mpjrun: the job was ended after its time-out of 5 s\n");
        assertThat(result.elapsed()).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(9));
    }

    @Test
    void outputFiles_areWrittenOn(@TempDir Path temp) throws IOException {
        Launched.Result result = program(List.of("--max-restarts", "1", "--output-filename", temp.toString()),
                "restarted", "KILL", "1").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(Files.readAllLines(temp.resolve("rank.0.out"))).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "--max-restarts x | mpjrun: --max-restarts x: give a whole number, 0 or more",
            "--min-ranks 1 | mpjrun: --min-ranks is about starting ranks again: give --max-restarts as well",
            "--max-restarts 1 --min-ranks 3 | mpjrun: --min-ranks 3: give 1 or more, and at most as many as -np",
            "--max-restarts 1 --restart-window 0 | mpjrun: --restart-window 0: give a number of seconds above 0"})
    void options_thatMeanNothing(String options, String sentence) {
        Launched.Result result = program(List.of(options.split(" ")), "no-world").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo(sentence + "\n");
    }
}
