package dev.lockstep.report;

import java.util.Locale;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
