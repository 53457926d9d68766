package dev.lockstep.report;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.json.Json;
import dev.lockstep.results.Tally;

import static org.assertj.core.api.Assertions.assertThat;

class ReportTest {
    private static final Tally TALLY = new Tally();

    static {
        TALLY.add(null, 3, 5);
        TALLY.add(null, 0, 0);
        TALLY.add("too long", 4, 0);
    }

    private static final Report REPORT = Report.of(new Summary(5, 2, 2.0), TALLY, 16, "bfloat16", "cuda",
            "models/m", 1.5, 1, 2, List.of("rank 1 died", "rank 0 died"),
            List.of(new Report.RankReport(0, "node1", "cuda:0", 1, 5, 1.75, 0.25, 1.5, 3, 1_000_000_000_000L,
                    new Report.Prompting(4, 3, 1), new Report.Drafting(8, 5),
                    new Report.Start(0.5, 0.25, 2, 0.125, 1, 1.5, 0.75, 0.5, 0.25, 3)),
                    new Report.RankReport(1, "node2", "cuda:0", 1, 0, 0, 0, 0, 0, 0, new Report.Prompting(0, 0, 0),
                            new Report.Drafting(0, 0),
                            new Report.Start(0, 0, 0, 0, 0, 0, 0, 0, 0, 0))));

    private static final String JSON = """
            {
              "prompts": 2,
              "tokens": 5,
              "prompt_tokens": 7,
              "seconds": 2.0,
              "tokens_per_second": 2.5,
              "failed": 1,
              "world_size": 2,
              "batch_size": 16,
              "dtype": "bfloat16",
              "device": "cuda",
              "model": "models/m",
              "load_seconds": 1.5,
              "tensor_parallel": 1,
              "restarts": 2,
              "deaths": [ "rank 1 died", "rank 0 died" ],
              "ranks": [ {
                "rank": 0,
                "host": "node1",
                "device": "cuda:0",
                "prompts": 1,
                "tokens": 5,
                "seconds": 1.75,
                "prefill_seconds": 0.25,
                "decode_seconds": 1.5,
                "steps": 3,
                "peak_memory_bytes": 1000000000000,
                "prompting": {
                  "computed_tokens": 4,
                  "shared_tokens": 3,
                  "interruptions": 1
                },
                "drafting": {
                  "tokens": 8,
                  "right": 5
                },
                "start": {
                  "launch": 0.5,
                  "jvm": 0.25,
                  "world": 2.0,
                  "tokenizer": 0.125,
                  "library": 1.0,
                  "weights": 1.5,
                  "kernels": 0.75,
                  "warm_up": 0.5,
                  "first_tokens": 0.25,
                  "graphs": 3.0
                }
              }, {
                "rank": 1,
                "host": "node2",
                "device": "cuda:0",
                "prompts": 1,
                "tokens": 0,
                "seconds": 0.0,
                "prefill_seconds": 0.0,
                "decode_seconds": 0.0,
                "steps": 0,
                "peak_memory_bytes": 0,
                "prompting": {
                  "computed_tokens": 0,
                  "shared_tokens": 0,
                  "interruptions": 0
                },
                "drafting": {
                  "tokens": 0,
                  "right": 0
                },
                "start": {
                  "launch": 0.0,
                  "jvm": 0.0,
                  "world": 0.0,
                  "tokenizer": 0.0,
                  "library": 0.0,
                  "weights": 0.0,
                  "kernels": 0.0,
                  "warm_up": 0.0,
                  "first_tokens": 0.0,
                  "graphs": 0.0
                }
              } ]
            }
            """;

    @Test
    void write_file_isThePrettyJsonOfTheContract(@TempDir Path dir) throws Exception {
        var file = dir.resolve("r.json");
        REPORT.write(file.toString());
        assertThat(Files.readString(file)).isEqualTo(JSON);
        assertThat(Json.MAPPER.readValue(JSON, Report.class)).isEqualTo(REPORT);
    }

    @Test
    void of_noTimePassed_hasNoNaN() {
        assertThat(Report.of(new Summary(0, 0, 0), new Tally(), 1, "float32", "cpu", "m", 0, 1, 0, List.of(), List.of())
                .tokensPerSecond()).isZero();
    }
}
