package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;

/** Files that cannot grow as a job needs it; to a process with a limit they are like those of a full disk. */
class FullDiskIT {
    private static final String JOB = " generate --output r.jsonl --ignore-eos --greedy --max-new-tokens 30";

    @TempDir
    private Path temp;

    /** @param kilobytes that a file may have */
    private Launched.Result limited(int ranks, int kilobytes, String more) {
        return Launched.script(Path.of("/bin/bash"), "-c", "ulimit -f " + kilobytes + "; '"
                + Launched.HOME.resolve("launch/mpjrun.sh") + "' -q --device cpu -np " + ranks + JOB + more).in(temp)
                .run();
    }

    /** The journal of one rank is as long as the results: it is full first. */
    @Test
    void journalThatCannotGrow_endsInASentenceAndLosesNothing() throws IOException {
        Runs.succeed(1, temp, "--output", "whole.jsonl", "--ignore-eos", "--greedy", "--max-new-tokens", "30");
        Launched.Result full = limited(1, 40, "");
        assertThat(full.stderr())
                .contains(
                        "generate: the journal cannot be written: File too large; nothing in it is lost: fix this and add --resume\n")
                .doesNotContain("\tat ");
        assertThat(full.exitCode()).isEqualTo(1);
        Launched.Result again = limited(1, 400, " --resume");
        assertThat(again.stderr()).matches("generate: --resume: [1-9]\\d* rows were finished before\n");
        assertThat(again.exitCode()).isZero();
        assertThat(temp.resolve("r.jsonl")).hasSameTextualContentAs(temp.resolve("whole.jsonl"));
    }

    /** Two journals are half as long each; then it is the results that do not fit. */
    @Test
    @LongRun
    void resultsThatDoNotFit_areWrittenByTheNextRun() throws IOException {
        Launched.Result full = limited(2, 40, "");
        assertThat(full.stderr()).contains("generate: r.jsonl cannot be written: File too large\n")
                .doesNotContain("\tat ");
        assertThat(full.exitCode()).isEqualTo(1);
        assertThat(temp.resolve("r.jsonl")).doesNotExist();
        Launched.Result again = limited(1, 400, " --resume");
        assertThat(again.stderr()).isEqualTo("generate: --resume: 100 rows were finished before\n");
        assertThat(again.exitCode()).isZero();
        assertThat(Runs.field(Runs.rows(temp.resolve("r.jsonl")), "finish_reason")).hasSize(100).containsOnly("length");
        assertThat(temp.resolve("r.jsonl.journal")).doesNotExist();
    }
}
