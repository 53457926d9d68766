package dev.lockstep.batch;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptReader;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code logit_bias} in rows and in OpenAI's requests, against what transformers generated with the same. */
class LogitBiasTest {
    private static final Path KJV = Path.of("examples/models/kjv-6m");

    @ParameterizedTest
    @CsvSource({"false, 1", "false, 7", "true, 20"})
    void generate_rowsWithBias_equalTransformers(boolean openAi, int batchSize) {
        JsonNode cases = Golden.json("logit_bias-kjv-6m.json").get("cases");
        StringBuilder lines = new StringBuilder();
        for (JsonNode one : cases) {
            lines.append(openAi ? request(one) : row(one)).append('\n');
        }
        List<Prompt> prompts = PromptReader.readAll("-",
                new ByteArrayInputStream(lines.toString().getBytes(StandardCharsets.UTF_8)));
        Checkpoint checkpoint = Checkpoint.open(KJV);
        SamplingOverrides defaults = SamplingOverrides.NONE;
        try (Generator generator = Generator.load(checkpoint, Device.CPU)) {
            List<Request> requests = new ArrayList<>();
            for (Prompt prompt : prompts) {
                assertThat(prompt.error()).isNull();
                requests.add(new Request(prompt.index(), 0, generator.tokenizer().encode(prompt.textOrEmpty(), true),
                        SamplingOverrides.resolve(prompt.overrides(), SamplingOverrides.NONE, defaults)));
            }
            int changed = 0;
            for (Completion completion : generator.generate(requests, batchSize)) {
                JsonNode one = cases.get(completion.index());
                assertThat(completion.tokenIds()).as("case %d", completion.index())
                        .isEqualTo(Golden.ints(one.get("token_ids")));
                changed += one.get("token_ids").equals(one.get("without")) ? 0 : 1;
            }
            assertThat(changed).as("texts that the bias has changed").isGreaterThanOrEqualTo(cases.size() - 2);
        }
    }

    private static ObjectNode row(JsonNode one) {
        ObjectNode row = Json.MAPPER.createObjectNode().put("greedy", true).put("max_new_tokens", 24)
                .put("eos_token_id", 1);
        row.set("prompt", one.get("prompt"));
        row.set("logit_bias", one.get("logit_bias"));
        return row;
    }

    private static ObjectNode request(JsonNode one) {
        ObjectNode request = Json.MAPPER.createObjectNode().put("custom_id", "a").put("method", "POST").put("url",
                "/v1/completions");
        ObjectNode body = request.putObject("body").put("model", "m").put("temperature", 0).put("max_tokens", 24)
                .put("eos_token_id", 1);
        body.set("prompt", one.get("prompt"));
        body.set("logit_bias", one.get("logit_bias"));
        return request;
    }
}
