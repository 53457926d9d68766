package dev.lockstep.launch;

import org.junit.jupiter.api.Test;

import dev.lockstep.launch.output.Console;
import dev.lockstep.wire.Message.Kept;
import dev.lockstep.wire.Message.Progress;

import static org.assertj.core.api.Assertions.assertThat;

class ProgressLineTest {
    private final ProgressLine line = new ProgressLine(2, new Console(), false, 0);

    @Test
    void text_sumsOverRanksAndKeepsTheLatest() {
        line.update(0, new Progress(1, 50, 100, -1, -1, 1), 1);
        line.update(0, new Progress(10, 50, 1000, -1, -1, 4), 2);
        line.update(1, new Progress(15, 50, 1500, -1, -1, 5), 3);
        assertThat(line.text()).isEqualTo("25/100 rows, 2500 tokens, 500.0 tokens/s, 15 s left");
    }

    @Test
    void text_saysNoMoreThanIsKnown() {
        line.update(0, new Progress(1, 50, 100, 400, -1, 10), 1);
        assertThat(line.text()).isEqualTo("1 rows, 100 tokens, 10.0 tokens/s");
        line.update(1, new Progress(0, 1000, 0, -1, -1, 0), 2);
        assertThat(line.text()).startsWith("1/1050 rows, 100 tokens").endsWith(", 2 h 54 min left");
        line.update(0, new Progress(50, 50, 5000, -1, -1, 10), 3);
        line.update(1, new Progress(1000, 1000, 0, -1, -1, 10), 4);
        assertThat(line.text()).isEqualTo("1050/1050 rows, 5000 tokens, 500.0 tokens/s");
    }

    /** Rank 0 of generate knows the rows of all before the others have said anything. */
    @Test
    void text_oneRankKnowsAllRows_countsToThem() {
        line.update(0, new Progress(0, 70, 0, -1, 100, 0), 1);
        assertThat(line.text()).isEqualTo("0/100 rows, 0 tokens");
        line.update(1, new Progress(2, 30, 200, -1, -1, 1), 2);
        line.update(0, new Progress(8, 60, 800, -1, 100, 1), 3);
        assertThat(line.text()).isEqualTo("10/100 rows, 1000 tokens, 1000.0 tokens/s, 9 s left");
    }

    @Test
    void text_tokensToComeAreKnown_countsByThem() {
        line.update(1, new Progress(0, 50, 0, 0, -1, 5), 0);
        line.update(0, new Progress(0, 50, 1000, 4000, -1, 5), 1);
        assertThat(line.text()).isEqualTo("0/100 rows, 1000 tokens, 200.0 tokens/s, 20 s left");
        line.update(1, new Progress(49, 50, 4000, 0, -1, 10), 2);
        assertThat(line.text()).endsWith(", 500.0 tokens/s, 8 s left");
        line.update(1, new Progress(25, 50, 4000, -1, -1, 10), 3);
        assertThat(line.text()).endsWith(", 30 s left");
    }

    @Test
    void kept_countsEarlierRuns() {
        assertThat(line.kept(new Kept("r.jsonl.journal", 0, "go on"))).isEmpty();
        line.take(0, new Progress(8, 60, 800, -1, 1400, 1));
        line.take(1, new Progress(26, 30, 200, -1, -1, 1));
        assertThat(line.kept(new Kept("r.jsonl.journal", 100, "go on")))
                .contains("at least 134 of 1,500 rows are kept in r.jsonl.journal; go on");
        line.take(0, new Progress(8, 8, 800, -1, -1, 1));
        assertThat(line.kept(new Kept("r.jsonl.journal", 0, "go on")))
                .contains("at least 34 rows are kept in r.jsonl.journal; go on");
    }
}
