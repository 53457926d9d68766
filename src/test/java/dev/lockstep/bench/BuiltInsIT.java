package dev.lockstep.bench;

import java.io.IOException;
import java.nio.file.Path;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;

import static dev.lockstep.fixtures.Launched.mpjrun;
import static org.assertj.core.api.Assertions.assertThat;

/** The jobs that measure and check the collectives. */
class BuiltInsIT {
    @TempDir
    private Path scratch;

    /** It also checks two groups of the ranks, and so four of eight. */
    @ParameterizedTest
    @LongRun(butFor = {1, 2})
    @ValueSource(ints = {1, 2, 5, 8})
    void selftest_findsEveryCollectiveInOrder(int ranks) {
        Launched.Result result = mpjrun("-np", Integer.toString(ranks), "selftest").run();
        assertThat(result.lines()).hasSize(49).allMatch(line -> line.matches("ok      .*, \\d+ ms"));
        assertThat(result.exitCode()).as(result.stderr()).isZero();
    }

    @Test
    void benchCollectives_printsATableAndWritesIt() throws IOException {
        Path report = scratch.resolve("report.json");
        Launched.Result result = mpjrun("-np", "2", "bench", "collectives", "--max-bytes", "100", "--report",
                report.toString()).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        // the head, the barrier, eight collectives with 8, 64 and 100 bytes
        assertThat(result.lines()).hasSize(26).first().asString()
                .matches("collective +bytes +calls +min us +avg us +max us");
        JsonNode read = new ObjectMapper().readTree(report.toFile());
        assertThat(read.get("world_size").asInt()).isEqualTo(2);
        assertThat(read.get("rows")).hasSize(25).allSatisfy(row -> {
            assertThat(row.get("min_micros").asDouble()).isPositive()
                    .isLessThanOrEqualTo(row.get("avg_micros").asDouble());
            assertThat(row.get("avg_micros").asDouble()).isLessThanOrEqualTo(row.get("max_micros").asDouble());
        });
    }

    @Test
    void benchDecode_moreThanMemoryHolds_isOneSentence() {
        Launched.Result result = mpjrun("--device", "cpu", "bench", "decode", "--config", "kjv-6m", "--batch-sizes",
                "2000000", "--prompt-tokens", "1000").run();
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.stderr().lines().toList()).singleElement().asString()
                .endsWith("failed first: bench: the memory of cpu cannot hold the model with so many tokens: "
                        + "measure a smaller model, fewer rows at a time or shorter ones");
    }

    @Test
    void benchDecode_profileOnCpu_isOneSentence() {
        Launched.Result result = mpjrun("--device", "cpu", "bench", "decode", "--config", "kjv-6m", "--profile").run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr().strip())
                .endsWith("bench: --profile is of kernels on a GPU, and this is rank 0 on CPU: leave it out");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"bench | bench: name what to measure: collectives, decode or generate",
            "bench speed | bench: name what to measure: collectives, decode or generate, not speed",
            "bench decode --dtype int4 --config kjv-6m | bench: --dtype: \"int4\" is not a supported dtype; supported are float32, bfloat16 and float16",
            "bench decode --graph maybe --config kjv-6m | bench: --graph must be on or off, not maybe",
            "bench decode --prompt-tokens 0 --config kjv-6m | bench: --prompt-tokens must be 1 or more, not 0",
            "bench generate --config /none | bench: /none/config.json does not exist.",
            "bench collectives --max-bytes 4 | bench: --max-bytes 4: give at least 8",
            "selftest --large now | selftest: selftest takes options only, so it does not know what to do with now"})
    void wrongUsage_isOneSentence(String words, String sentence) {
        Launched.Result result = mpjrun(words.split(" ")).run();
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stderr()).isEqualTo(sentence + "\n");
    }
}
