package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Launched.awaitTrue;
import static org.assertj.core.api.Assertions.assertThat;

/** Processes that are killed amid generation, when each rank's threads are in native code. */
class GenerateKilledIT {
    /** Of a rank's work after libtorch is there: loading kjv-6m takes less than half of it. */
    private static final Duration WELL_INTO_GENERATION = Duration.ofSeconds(2);

    @TempDir
    private Path temp;

    /** Two ranks, each in the midst of 45,000 tokens. */
    private Launched generating() {
        Launched launched = Runs.generate(2, temp, "--max-new-tokens", "900", "--ignore-eos").start();
        Map<ProcessHandle, Duration> since = new HashMap<>();
        awaitTrue(Duration.ofSeconds(60), () -> {
            assertThat(launched.launcher().isAlive()).as(launched.stderr()).isTrue();
            List<ProcessHandle> ranks = launched.ranks();
            ranks.stream().filter(GenerateKilledIT::hasTorch).forEach(rank -> since.putIfAbsent(rank, cpu(rank)));
            return since.size() == 2 && ranks.stream()
                    .allMatch(rank -> cpu(rank).minus(since.get(rank)).compareTo(WELL_INTO_GENERATION) > 0);
        });
        return launched;
    }

    private static boolean hasTorch(ProcessHandle rank) {
        try {
            return Files.readString(Path.of("/proc/" + rank.pid() + "/maps")).contains("libtorch_cpu.so");
        } catch (IOException e) {
            return false;
        }
    }

    private static Duration cpu(ProcessHandle rank) {
        return rank.info().totalCpuDuration().orElseThrow();
    }

    @Test
    void rank_killed_endsTheJobAtOnceAndIsNamed() {
        try (Launched launched = generating()) {
            Launched.Result result = launched.killRank(1, 2);
            assertThat(result.stderr())
                    .matches("mpjrun: rank 1 on host \\S+ failed first: killed by signal 9 \\(SIGKILL\\)\n");
            assertThat(result.stdout()).isEmpty();
            assertThat(temp).isDirectoryNotContaining("glob:**/results.jsonl");
        }
    }

    @Test
    void launcher_killed_noRankStays() {
        try (Launched launched = generating()) {
            launched.killLauncher(2);
            assertThat(temp).isDirectoryNotContaining("glob:**/results.jsonl");
        }
    }
}
