package dev.lockstep.batch;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import dev.lockstep.generate.FinishReason;
import dev.lockstep.results.Result;

import static org.assertj.core.api.Assertions.assertThat;

/** What somebody who watches a job sees of its rows. */
class FinishedRowsTest {
    private static Result result(String prompt, String text) {
        return new Result(3, "q3", 0, prompt, text, new int[]{5}, 1, 1, FinishReason.LENGTH, 0, null);
    }

    @Test
    void line_ofAText_hasThePromptsEndAndTheTextsBeginning() {
        assertThat(FinishedRows.line(result("In the beginning", " God\ncreated")))
                .isEqualTo("row q3: In the beginning ->  God\\ncreated");
        String line = FinishedRows.line(result("\uD83D\uDE00".repeat(30) + "a", "\uD83D\uDE00".repeat(60) + "b"));
        assertThat(line).startsWith("row q3: ...\uD83D\uDE00").contains("\uD83D\uDE00a -> \uD83D\uDE00")
                .endsWith("\uD83D\uDE00...").doesNotContain("b").doesNotContain("\\u");
        assertThat(FinishedRows.line(new Result(3, "q3", 0, "a\u001b[2J", "", new int[0], 1, 0, FinishReason.ERROR, 0,
                "line 4: prompt is missing"))).isEqualTo("row q3: a\\u001b[2J -> failed: line 4: prompt is missing");
    }

    @Test
    void show_manyRowsAtOnce_saysOne() {
        List<String> said = new ArrayList<>();
        FinishedRows rows = new FinishedRows(said::add);
        for (int i = 0; i < 100; i++) {
            rows.show(result("a", "b" + i));
        }
        assertThat(said).containsExactly("row q3: a -> b0");
    }
}
