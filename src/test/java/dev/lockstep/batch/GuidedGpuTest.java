package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.torch.Device;

import static dev.lockstep.batch.GuidedRows.generator;
import static dev.lockstep.batch.GuidedRows.request;
import static org.assertj.core.api.Assertions.assertThat;

/** Rules that depend on the tokens before, some steps at a time: the texts are those that a CPU gives step by step. */
@GpuTest
class GuidedGpuTest {
    private static final String[] RULES = {"", ",\"guided_regex\":\"(né|[A-Z][a-z]{1,8}) (in|at) [0-9]{4}(, or so)?\"",
            ",\"guided_json\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":9},"
                    + "\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"good\",\"évil\"]},\"maxItems\":3}},"
                    + "\"required\":[\"name\",\"tags\"]}",
            ",\"guided_choice\":[\"yes, and more\",\"yes\",\"no\"]", ",\"no_repeat_ngram_size\":2",
            ",\"response_format\":{\"type\":\"json_object\"}", ",\"stop\":[\"e\"],\"logit_bias\":{\"9\":3,\"11\":-5}",
            ",\"guided_regex\":\"[a-z ]*\",\"logprobs\":1"};

    @TempDir
    private Path scratch;

    @Test
    void rules_onAGpu_giveTheTextsOfTheCpu() throws IOException {
        List<Completion> expected = completions(Device.CPU, 5);
        for (int batchSize : new int[]{1, 24, 70}) {
            List<Completion> actual = completions(Device.ofRank("cuda"), batchSize);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i).error()).isNull();
                assertThat(actual.get(i).tokenIds()).as("row %d, %d at a time", i, batchSize)
                        .isEqualTo(expected.get(i).tokenIds());
                assertThat(actual.get(i).finishReason()).isEqualTo(expected.get(i).finishReason());
            }
        }
    }

    private List<Completion> completions(Device device, int batchSize) throws IOException {
        try (Generator generator = generator(Files.createTempDirectory(scratch, "model"), device)) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 70; i++) {
                // all rows, but for some that want log-probabilities, which rules are then applied to step by step
                String rule = RULES[i % (i < 35 ? RULES.length : RULES.length - 1)];
                requests.add(
                        request(generator, i, "\"max_new_tokens\":" + (9 + i % 40) + ",\"eos_token_id\":0,\"seed\":4,"
                                + (i % 2 == 0 ? "\"greedy\":true" : "\"temperature\":1.5,\"top_k\":40") + rule));
            }
            return generator.generate(requests, batchSize);
        }
    }
}
