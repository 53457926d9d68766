package dev.lockstep.launch;

import org.junit.jupiter.api.Test;

import dev.lockstep.launch.output.Console;
import dev.lockstep.wire.Message.Progress;

import static org.assertj.core.api.Assertions.assertThat;

class ProgressLineTest {
    private final ProgressLine line = new ProgressLine(new Console(), false, 0);

    @Test
    void text_sumsOverRanksAndKeepsTheLatest() {
        line.update(0, new Progress(1, 50, 100, -1, 1), 1);
        line.update(0, new Progress(10, 50, 1000, -1, 4), 2);
        line.update(1, new Progress(15, 50, 1500, -1, 5), 3);
        assertThat(line.text()).isEqualTo("25/100 rows, 2500 tokens, 500.0 tokens/s, 15 s left");
    }

    @Test
    void text_saysNoMoreThanIsKnown() {
        line.update(0, new Progress(0, 50, 0, -1, 0), 1);
        assertThat(line.text()).isEqualTo("0/50 rows, 0 tokens");
        line.update(0, new Progress(50, 50, 5000, -1, 10), 2);
        assertThat(line.text()).isEqualTo("50/50 rows, 5000 tokens, 500.0 tokens/s");
        line.update(0, new Progress(1, 1000, 100, -1, 10), 3);
        assertThat(line.text()).endsWith(", 2 h 46 min left");
    }

    @Test
    void text_tokensToComeAreKnown_countsByThem() {
        line.update(0, new Progress(0, 50, 1000, 4000, 5), 1);
        assertThat(line.text()).isEqualTo("0/50 rows, 1000 tokens, 200.0 tokens/s, 20 s left");
        line.update(1, new Progress(49, 50, 4000, 0, 10), 2);
        assertThat(line.text()).endsWith(", 500.0 tokens/s, 8 s left");
        line.update(1, new Progress(25, 50, 4000, -1, 10), 3);
        assertThat(line.text()).endsWith(", 30 s left");
    }
}
