package dev.lockstep.host;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class AmountsTest {
    @ParameterizedTest
    @CsvSource({"0, 0 bytes", "999, 999 bytes", "1000, 1.0 kB", "999949, 999.9 kB", "999950, 1.0 MB",
            "16060522496, 16.1 GB", "9223372036854775807, 9.2 EB"})
    void bytes(long bytes, String text) {
        assertThat(Amounts.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0, 0 s", "59, 59 s", "60, 1 min 0 s", "3599, 59 min 59 s", "3600, 1 h 0 min", "90060, 25 h 1 min"})
    void duration(long seconds, String text) {
        assertThat(Amounts.duration(seconds)).isEqualTo(text);
    }
}
