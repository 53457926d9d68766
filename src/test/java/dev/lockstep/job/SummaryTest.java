package dev.lockstep.job;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.generate.FinishReason;

import static org.assertj.core.api.Assertions.assertThat;

class SummaryTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            10000   | 100 | 173.17 | tokens/sec: 57.7, time elapsed: 173.17, num_tokens 10000, num_prompts 100
            57      | 1   | 1      | tokens/sec: 57.0, time elapsed: 1.00, num_tokens 57, num_prompts 1
            1234567 | 9   | 0.5    | tokens/sec: 2469134.0, time elapsed: 0.50, num_tokens 1234567, num_prompts 9
            0       | 0   | 0      | tokens/sec: 0.0, time elapsed: 0.00, num_tokens 0, num_prompts 0
            5       | 1   | 0      | tokens/sec: 0.0, time elapsed: 0.00, num_tokens 5, num_prompts 1
            """)
    void line_anyNumbers_isTheContract(long tokens, int prompts, double seconds, String line) {
        assertThat(new Summary(tokens, prompts, seconds).line()).isEqualTo(line);
    }

    @Test
    void line_localeWithCommas_isTheContract() {
        var before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMANY);
            assertThat(new Summary(57, 1, 1).line())
                    .isEqualTo("tokens/sec: 57.0, time elapsed: 1.00, num_tokens 57, num_prompts 1");
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void of_results_countsRealTokensOnly() {
        var results = List.of(done(3), done(4), failed("line 1: prompt is missing"));
        assertThat(Summary.of(results, 2, 7)).isEqualTo(new Summary(7, 2, 7));
    }

    @Test
    void failures_none_isEmpty() {
        assertThat(Summary.failures(List.of(done(3)))).isEmpty();
        assertThat(Summary.failures(List.of())).isEmpty();
    }

    @Test
    void failures_some_areCountedByKindLargestFirst() {
        var results = List.of(done(1), failed("line 2: prompt is missing"),
                failed("line 3: top_k must be a number, not \"x\""),
                failed("line 4: top_k must be a number, not \"yy\""),
                failed("line 15: top_k must be a number, not \"\""));
        assertThat(Summary.failures(results)).contains("4 of 5 rows failed: line 3: top_k must be a number, not \"x\""
                + " (and 2 like it); line 2: prompt is missing");
    }

    @Test
    void failures_ofManyKinds_showFive() {
        var results = IntStream.range(0, 7).mapToObj(i -> failed("reason " + (char) ('a' + i))).toList();
        assertThat(Summary.failures(results)).contains(
                "7 of 7 rows failed: reason a; reason b; reason c; reason d; reason e; and 2 of other kinds");
    }

    @Test
    void failures_oneOfOne_isSingular() {
        assertThat(Summary.failures(Stream.of("no").map(SummaryTest::failed).toList()))
                .contains("1 of 1 row failed: no");
    }

    private static Result done(int tokens) {
        return new Result(0, "0", 0, "p", "t", new int[tokens], 1, tokens, FinishReason.LENGTH, 0, null);
    }

    private static Result failed(String error) {
        return new Result(0, "0", 0, "p", "", new int[0], 1, 0, FinishReason.ERROR, 0, error);
    }
}
