package dev.lockstep.world;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.SharedFiles;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.awaitGone;
import static dev.lockstep.fixtures.Launched.awaitTrue;
import static dev.lockstep.fixtures.Launched.mpjrun;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;

/** A job whose ranks do not keep step ends, and says where each rank stands. */
class HangIT {
    private static Launched.Command stuck(String np, String how, String... options) {
        String[] words = {"-np", np, "-cp", TEST_CLASSES, "dev.lockstep.fixtures.Stuck", how};
        String[] all = Arrays.copyOf(options, options.length + words.length);
        System.arraycopy(words, 0, all, options.length, words.length);
        return mpjrun(all);
    }

    private static String last(Launched.Result result) {
        List<String> lines = result.stderr().lines().toList();
        return lines.isEmpty() ? "" : lines.get(lines.size() - 1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"mismatch | rank 0 is in barrier #3, rank 1 in gather #3",
            "roots | rank 0 is in broadcast #3 (root 1), rank 1 in broadcast #3",
            "kinds | rank 0 is in gather #3, rank 1 in gather #3 (ints)"})
    void ranks_inDifferentCollectives_areNamedAtOnce(String how, String line) {
        Launched.Result result = stuck("2", how).run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(last(result)).contains(line + ": every rank must call the same collectives in the same order");
    }

    @Test
    void array_whereAValueIsReceived_isRefused() {
        Launched.Result result = stuck("2", "kinds-of-messages").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(last(result)).contains("rank 0 receives objects with tag 7, and rank 1 has sent ints: "
                + "receive with the verbs of what was sent");
    }

    @Test
    @LongRun
    void ranks_thatWaitForMessagesOfAnyone_areNamed() {
        Launched.Result result = stuck("3", "any-receive", "--timeout-collective", "2").run();
        assertThat(result.exitCode()).as(result.stderr()).isEqualTo(124);
        assertThat(result.stderr())
                .contains("mpjrun: hang: rank ", " has waited for a message of any rank with ")
                .matches("(?s).*ranks 0, 1 have been waiting for a message of any rank with tag 1 for \\d+ s.*")
                .matches("(?s).*rank 2 has been waiting for a message of any rank with any tag for \\d+ s.*");
    }

    @Test
    void rank_thatDoesNotComeWithinACallsLimit_isNamed() {
        Launched.Result result = stuck("3", "late-within").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr()).matches("mpjrun: hang: rank 2 has not reached barrier #3 within 1 s, as rank [01] "
                + "would have it; it has been in its own code after allGather #2 for \\d+ s; "
                + "ranks 0, 1 have been in barrier #3 for \\d+ s\n");
    }

    @Test
    @LongRun
    void rank_thatDoesNotComeToWhatWasBegun_isNamed() {
        Launched.Result result = stuck("3", "late-begun", "--timeout-collective", "1").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr()).matches("mpjrun: hang: rank 2 has not reached allGather #1 that was begun; "
                + "it has been in its own code after allGather #2 for \\d+ s; "
                + "ranks 0, 1 have been in allGather #1 that was begun for \\d+ s\n");
    }

    @Test
    void message_thatDoesNotComeWithinACallsLimit_isAnException() {
        Launched.Result result = stuck("2", "late-message").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(last(result))
                .contains("rank 0 has waited for a message of rank 1 with tag 7 for 1.5 s, as long as it "
                        + "was to");
    }

    @ParameterizedTest
    @LongRun(butFor = 2)
    @ValueSource(strings = {"1", "3"})
    void task_thatFails_isNamed(String np) {
        Launched.Result result = stuck(np, "task").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(last(result)).contains("farm: task 2 has failed on rank ",
                ": java.lang.NumberFormatException: For input string: \"three\" (at dev.lockstep.fixtures.Stuck.main, ");
    }

    @Test
    void whatRanksShared_isGoneWhenTheyAreKilled() throws IOException {
        try (Launched launched = stuck("2", "shared").start()) {
            launched.awaitStdout("shared 7");
            List<ProcessHandle> ranks = launched.ranks();
            signal(launched.launcher(), "KILL");
            ranks.forEach(rank -> signal(rank, "KILL"));
            awaitGone(Duration.ofSeconds(5), ranks);
            assertThat(SharedFiles.unused()).noneMatch(file -> file.endsWith(".shared"));
        }
    }

    @Test
    void rank_thatDoesNotCome_isNamedWithTheOthers() {
        Launched.Result result = stuck("3", "late", "--timeout-collective", "1").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr())
                .matches("mpjrun: hang: rank 2 has not reached barrier #3; it has been in its own code "
                        + "after allGather #2 for \\d+ s; ranks 0, 1 have been in barrier #3 for \\d+ s\n");
    }

    @Test
    @LongRun
    void rank_thatHoldsUpAGroup_isNamedAndNotTheRanksItHoldsUp() {
        Launched.Result result = stuck("3", "late-in-group", "--timeout-collective", "1").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr()).startsWith("mpjrun: hang: rank 2 has not reached barrier #")
                .contains("rank 0 has been in barrier #4 for ",
                        "rank 1 has been in barrier #1 of the group of ranks 1, 2 for ");
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @CsvSource(delimiter = '|', value = {
            "both-receive | ucx | for a message of rank %d with tag 7",
            "both-receive | tcp | for a message of rank %d with tag 7",
            "both-receive | niodev | for a message of rank %d with tag 7",
            "both-send | ucx | for rank %d to receive a message with tag 7",
            "both-send | tcp | for rank %d to receive a message with tag 7",
            "both-send | niodev | for rank %d to receive a message with tag 7"})
    void ranks_thatWaitForEachOthersMessages_areNamed(String how, String device, String message) {
        Launched.Result result = stuck("2", how, "--dev", device, "--timeout-collective", "4").run();
        assertThat(result.exitCode()).as(result.stderr()).isEqualTo(124);
        String both = String.format("rank 0 has waited " + message + " for \\d+ s; it has been waiting " + message
                + " for \\d+ s; rank 0 has been waiting " + message + " for \\d+ s", 1, 0, 1);
        String other = String.format("rank 1 has waited " + message + " for \\d+ s; it .*", 0);
        assertThat(result.stderr()).matches("mpjrun: hang: (" + both + "|" + other + ")\n");
    }

    @Test
    void rank_thatHasEnded_isNamedAtOnce() {
        Launched.Result result = stuck("3", "ended").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr())
                .matches("mpjrun: rank 2 has ended, where rank [01] waits for it in barrier #3\n");
    }

    @Test
    void rank_thatSaysItIsAtWork_isWaitedFor() {
        Launched.Result result = stuck("2", "long-work", "--timeout-collective", "2.5").run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        assertThat(result.stdout()).isEqualTo("at work\ndone\n");
    }

    @Test
    @LongRun
    void groups_thatNobodyHolds_areForgotten() {
        try (Launched launched = stuck("2", "groups").start()) {
            launched.awaitStdout("formed");
            // the world stays
            launched.ranks().forEach(rank -> awaitTrue(Duration.ofSeconds(20),
                    () -> instances(rank, "dev.lockstep.world.verbs.CollectiveTracker") == 1));
            awaitTrue(Duration.ofSeconds(20),
                    () -> instances(launched.launcher(), "dev.lockstep.watch.CollectiveWatchdog$Standing") == 1);
        }
    }

    /** Objects of a class in another JVM, which collects its garbage first. */
    private static int instances(ProcessHandle jvm, String name) {
        try {
            Process jcmd = new ProcessBuilder(System.getProperty("java.home") + "/bin/jcmd",
                    Long.toString(jvm.pid()), "GC.class_histogram").redirectErrorStream(true).start();
            String table = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(jcmd.waitFor()).as(table).isZero();
            // rank of the line, instances, bytes, class
            return table.lines().map(line -> line.strip().split("\\s+"))
                    .filter(words -> words.length > 3 && words[3].equals(name))
                    .mapToInt(words -> Integer.parseInt(words[1])).findFirst().orElse(0);
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void rank_frozen_isFoundByItsSilence() {
        try (Launched launched = stuck("3", "ready").env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2").start()) {
            launched.awaitStdout("ready");
            List<ProcessHandle> ranks = launched.ranks();
            signal(ranks.get(1), "STOP");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(124);
            assertThat(result.stderr())
                    .matches("mpjrun: rank 1 on host \\S+ failed first: no heartbeat for 2 s: its "
                            + "process is frozen, or its host is gone\n");
            awaitGone(Duration.ofSeconds(5), ranks);
        }
    }

    /** A heartbeat is late for longer than a frozen rank's may be, while its process runs. */
    @Test
    void rank_heldUp_isWaitedFor() {
        Launched.Result result = stuck("2", "held-up").env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2")
                .env("LOCKSTEP_JAVA_OPTS", "-XX:-UseCountedLoopSafepoints -XX:LoopStripMiningIter=0").run();
        assertThat(result.stderr()).isBlank();
        assertThat(result.stdout()).isEqualTo("held up\ndone\n");
        assertThat(result.exitCode()).isZero();
    }

    @Test
    @LongRun
    void rank_heldUpForTooLong_isNamed() {
        Launched.Result result = stuck("2", "held-up").env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2")
                .env("LOCKSTEP_JAVA_OPTS", "-XX:-UseCountedLoopSafepoints -XX:LoopStripMiningIter=0")
                .env("LOCKSTEP_TEST_HELD_UP", "20").run();
        assertThat(result.exitCode()).isEqualTo(124);
        assertThat(result.stderr())
                .matches("mpjrun: rank 1 on host \\S+ failed first: no heartbeat for 12 s, although its "
                        + "process runs, or waits for a processor\n");
    }

    @Test
    void launcher_frozenForAWhile_blamesNobody() throws Exception {
        try (Launched launched = stuck("2", "long-work", "--timeout-collective", "2.5")
                .env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2").start()) {
            launched.awaitStdout("at work");
            signal(launched.launcher(), "STOP");
            // longer than either limit
            new ProcessBuilder("sleep", "3.5").start().waitFor();
            signal(launched.launcher(), "CONT");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stdout()).isEqualTo("at work\ndone\n");
        }
    }
}
