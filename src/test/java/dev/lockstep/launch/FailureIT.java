package dev.lockstep.launch;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.host.HostName;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitGone;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;

/** However a job ends: no rank stays behind, the exit code is right, and one line says whose fault it was. */
class FailureIT {
    private static final String HOST = HostName.here();

    private static Launched.Command program(String np, String... args) {
        String[] words = {"-np", np, "-cp", TEST_CLASSES, "dev.lockstep.fixtures.Programs"};
        String[] all = Arrays.copyOf(words, words.length + args.length);
        System.arraycopy(args, 0, all, words.length, args.length);
        return mpjrun(all);
    }

    private static String last(String text) {
        List<String> lines = text.lines().toList();
        return lines.isEmpty() ? "" : lines.get(lines.size() - 1);
    }

    private static String failedFirst(int rank, String cause) {
        return "mpjrun: rank " + rank + " on host " + HOST + " failed first: " + cause;
    }

    @Test
    void rank_exitsWith42WhileOthersWait() {
        Launched.Result result = program("3", "exit", "42").run();
        assertThat(result.exitCode()).isEqualTo(42);
        assertThat(result.stderr()).isEqualTo(failedFirst(2, "exited with code 42") + "\n");
    }

    @Test
    void rank_exitsWith0WithoutCloseWhileOthersWait() {
        Launched.Result result = program("2", "exit", "0").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).startsWith(failedFirst(1, "exited with code 0 without World.close"));
    }

    @Test
    void onlyRank_exitsWith0WithoutClose() {
        Launched.Result result = program("1", "exit", "0").run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr()).isEmpty();
    }

    @Test
    void rank_throwsThroughTryWithResources() {
        Launched.Result result = program("3", "throw").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).contains("at dev.lockstep.fixtures.Programs.");
        assertThat(last(result.stderr()))
                .isEqualTo(failedFirst(2, "java.lang.IllegalStateException: on purpose"));
    }

    @ParameterizedTest
    @CsvSource({"throw-in-thread, in a thread", "closed-then-throw, after close"})
    void rank_throwsWhereNobodyWaits(String program, String message) {
        Launched.Result result = program("2", program).run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(last(result.stderr())).isEqualTo(failedFirst(1, "java.lang.IllegalStateException: " + message));
    }

    @Test
    void rank_abortsWith2_theLineIsTheSentence() {
        Launched.Result result = program("2", "abort", "2", "generate: there is no such model").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo("generate: there is no such model\n");
    }

    @Test
    void rank_abortsWithAnotherCode() {
        Launched.Result result = program("2", "abort", "7", "the disk is full").run();
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.stderr()).isEqualTo(failedFirst(1, "the disk is full") + "\n");
    }

    @Test
    void rank_saysByeWith3_othersFinish() {
        Launched.Result result = program("3", "bye", "3").run();
        assertThat(result.exitCode()).isEqualTo(3);
        assertThat(result.stderr()).isEmpty();
        assertThat(result.lines()).containsExactlyInAnyOrder("rank 0 finished", "rank 1 finished");
    }

    @Test
    void rank_overBeforeOthersCommunicate_disturbsNothing() {
        Launched.Result result = mpjrun("-np", "3", "--timeout", "20", "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Programs", "uneven").run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stdout()).isEqualTo("gathered [0, 1, 2]\n");
    }

    @Test
    void rank_killedInBarrier_endsTheJobAtOnce() {
        try (Launched launched = program("3", "wait").start()) {
            launched.awaitStdout("ready");
            Launched.Result result = launched.killRank(1, 3);
            assertThat(result.stderr()).isEqualTo(failedFirst(1, "killed by signal 9 (SIGKILL)") + "\n");
        }
    }

    @Test
    void launcher_killed_noRankStays() {
        try (Launched launched = program("3", "wait").start()) {
            launched.awaitStdout("ready");
            launched.killLauncher(3);
        }
    }

    @Test
    void launcher_killed_noRankWithoutWorldStays() {
        try (Launched launched = program("2", "no-world-forever").start()) {
            launched.awaitStdout("ready\nready");
            launched.killLauncher(2);
        }
    }

    @Test
    void main_returnsWithoutClose_isAGoodEnd() {
        Launched.Result result = program("2", "not-closed").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.lines()).containsExactlyInAnyOrder("Optional[[0, 1]]", "Optional.empty");
    }

    @Test
    void exit_afterClose() {
        assertThat(program("2", "close-then-exit", "0").run().exitCode()).isZero();
        Launched.Result result = program("2", "close-then-exit", "5").run();
        assertThat(result.exitCode()).isEqualTo(5);
        assertThat(result.stderr()).isEqualTo(failedFirst(1, "exited with code 5") + "\n");
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @CsvSource({"auto, 0", "auto, 2", "tcp, 0", "tcp, 2", "niodev, 1"})
    void rank_exitsWith0AfterClose_doesNotHurtThoseAtWork(String device, int leaver) {
        Launched.Result result = mpjrun("-np", "3", "--dev", device, "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Programs", "leave", Integer.toString(leaver), "0").run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.lines()).hasSize(2).allMatch(line -> line.endsWith(" of 2 summed 6000000"));
    }

    @Test
    void rank_exitsWith7AfterClose_isTheJobsCode() {
        Launched.Result result = program("3", "leave", "1", "7").run();
        assertThat(result.exitCode()).isEqualTo(7);
        assertThat(result.stderr()).isEqualTo(failedFirst(1, "exited with code 7") + "\n");
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void launcher_signalled_endsTheRanks(String name, int code) {
        assertSignalEndsBoth(program("2", "wait"), name, code);
    }

    /** Two ranks that wait, and nothing is said about it. */
    static void assertSignalEndsBoth(Launched.Command waiting, String name, int code) {
        try (Launched launched = waiting.start()) {
            launched.awaitStdout("ready");
            List<ProcessHandle> ranks = launched.ranks();
            signal(launched.launcher(), name);
            assertThat(launched.await().exitCode()).isEqualTo(code);
            assertThat(launched.stderr()).isEmpty();
            assertThat(ranks).hasSize(2).noneMatch(ProcessHandle::isAlive);
        }
    }

    @Test
    void children_ofRanksEndWithThem() {
        try (Launched launched = program("2", "child").start()) {
            launched.awaitStdout("children");
            Matcher pids = Pattern.compile("\\d+").matcher(launched.stdout());
            List<ProcessHandle> children = pids.results()
                    .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.group())).stream()).toList();
            assertThat(children).hasSize(2);
            signal(launched.launcher(), "TERM");
            assertThat(launched.await().exitCode()).isEqualTo(143);
            awaitGone(Duration.ofSeconds(1), children);
        }
    }

    @Test
    void timeout_endsTheJob() {
        Launched.Result result = mpjrun("-np", "2", "--timeout", "2.5", "-cp", TEST_CLASSES,
                "dev.lockstep.fixtures.Programs", "wait").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr()).isEqualTo("mpjrun: the job was ended after its time-out of 2.5 s\n");
        assertThat(result.elapsed()).isBetween(Duration.ofMillis(2500), Duration.ofSeconds(6));
    }

    @Test
    void bootstrap_timeoutNamesTheMissingRank() {
        Launched.Result result = program("2", "late").env("LOCKSTEP_BOOTSTRAP_TIMEOUT", "1").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr())
                .startsWith("mpjrun: rank 1 of 2 did not reach World.init within 1 s of the first ")
                .endsWith(": rank 1: started on host " + HOST
                        + ", its process is running, but has not connected: it has not called World.init\n")
                .hasLineCount(1);
    }

    @Test
    void rank_frozenBeforeInit_isNamedAndGone(@TempDir Path scratch) {
        try (Launched launched = program("2", "when", scratch.resolve("never").toString())
                .env("LOCKSTEP_BOOTSTRAP_TIMEOUT", "2").start()) {
            // with its own environment it is the rank; before that it is what the launcher's JVM starts it with and waits for
            awaitTrue(Duration.ofSeconds(30), () -> launched.ranks().size() == 2
                    && Launched.environment(launched.ranks().get(1)).contains("LOCKSTEP_RANK=1\0"));
            List<ProcessHandle> ranks = launched.ranks();
            signal(ranks.get(1), "STOP");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(124);
            assertThat(result.stderr()).startsWith("mpjrun: rank 1 of 2 did not reach World.init within 2 s")
                    .hasLineCount(1);
            awaitGone(Duration.ofSeconds(1), ranks);
        }
    }

    @Test
    void rank_whoseJvmCannotStart() {
        Launched.Result result = program("2", "wait").env("LOCKSTEP_JAVA_OPTS", "-XX:+NoSuchFlag").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).contains("Unrecognized VM option 'NoSuchFlag'");
        assertThat(last(result.stderr())).matches("mpjrun: rank [01] on host .* failed first: exited with code 1");
        assertThat(result.elapsed()).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void rank_thatEndsWithinALine_leavesTheSentenceALineOfItsOwn() {
        Launched.Result result = program("1", "within-line").run();
        assertThat(result.exitCode()).isEqualTo(3);
        assertThat(result.stderr()).isEqualTo("half a line\n" + failedFirst(0, "exited with code 3") + "\n");
    }

    @Test
    void rank_overBeforeInit_whereOthersWait() {
        Launched.Result result = program("2", "early").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr()).isEqualTo(
                failedFirst(1, "exited with code 0 without World.init, where other ranks wait for it") + "\n");
    }

    @Test
    void programs_withoutWorld() {
        assertThat(program("2", "no-world").run().exitCode()).isZero();
        Launched.Result result = program("2", "no-world-exit", "5").run();
        assertThat(result.exitCode()).isEqualTo(5);
        assertThat(result.stderr()).matches("mpjrun: rank [01] on host .* failed first: exited with code 5\n");
    }
}
