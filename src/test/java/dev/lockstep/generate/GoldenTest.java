package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Generation against what transformers generated for the same checkpoints. */
class GoldenTest {
    @ParameterizedTest
    @LongRun(butFor = {1, 4, 5, 6, 7, 9, 12, 13, 14})
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void generate_greedy_equalsTransformersForEveryBatchSize(String family, @TempDir Path scratch) {
        JsonNode expected = Golden.expected(family);
        List<Integer> eos = List.of(expected.get("eos_token_id").asInt());
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32)) {
            for (int batchSize : new int[]{1, 3, 4, 10}) {
                List<Completion> free = generator.generate(requests(expected, List.of()), batchSize);
                List<Completion> ended = generator.generate(requests(expected, eos), batchSize);
                for (int i = 0; i < free.size(); i++) {
                    JsonNode golden = expected.get("cases").get(i);
                    assertThat(free.get(i).tokenIds()).as("%s, batch size %d, prompt %d", family, batchSize, i)
                            .isEqualTo(Golden.ints(golden.get("greedy_ids")));
                    assertThat(free.get(i).text()).isEqualTo(golden.get("greedy_text").asText());
                    assertThat(ended.get(i).tokenIds()).isEqualTo(Golden.ints(golden.get("with_eos").get("ids")));
                    assertThat(ended.get(i).finishReason().name())
                            .isEqualToIgnoringCase(golden.get("with_eos").get("finish_reason").asText());
                }
            }
        }
    }

    /**
     * Prompts of up to some 20 tokens, five of them in a pass, between which the others decode; the families whose
     * attention differs.
     */
    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "mistral-sliding", "qwen3", "olmo2", "gemma3"})
    void generate_promptsInPieces_equalsTransformers(String family, @TempDir Path scratch) {
        JsonNode expected = Golden.expected(family);
        Checkpoint checkpoint = Checkpoint.open(Golden.copyWithTokenizer(family, scratch));
        try (Generator generator = Generator.load(checkpoint, Device.CPU, DType.FLOAT32)) {
            generator.prefillTokens(5);
            for (int batchSize : new int[]{1, 3, 10}) {
                for (Completion completion : generator.generate(requests(expected, List.of()), batchSize)) {
                    assertThat(completion.tokenIds())
                            .as("%s, batch size %d, prompt %d", family, batchSize, completion.index())
                            .isEqualTo(Golden.ints(expected.get("cases").get(completion.index()).get("greedy_ids")));
                }
            }
        }
    }

    @Test
    void generate_withAdapters_hasTheTextOfTheSumsForEveryBatchSize(@TempDir Path scratch) {
        Checkpoint plain = Checkpoint.open(Golden.copyWithTokenizer("llama-gqa", scratch));
        SamplingParams params = SamplingParams.builder(24).greedy(true).eosTokenIds(List.of()).build();
        for (JsonNode merged : Golden.json("lora/expected.json")) {
            if (!merged.get("model").asText().equals("llama-gqa")) {
                continue;
            }
            Checkpoint checkpoint = plain;
            for (JsonNode name : merged.get("adapters")) {
                checkpoint = Adapter.open(Golden.FOLDER.resolve("lora/" + name.asText()).toString()).onto(checkpoint);
            }
            try (Generator generator = Generator.load(checkpoint, Device.CPU)) {
                for (int batchSize : new int[]{1, 3, 10}) {
                    for (Completion completion : generator.generate(Golden.requests(merged.get("cases"), params),
                            batchSize)) {
                        assertThat(completion.tokenIds())
                                .as("%s, batch size %d, prompt %d", merged.get("adapters"), batchSize,
                                        completion.index())
                                .isEqualTo(Golden.ints(merged.get("cases").get(completion.index()).get("greedy_ids")));
                    }
                }
            }
        }
    }

    private static List<Request> requests(JsonNode expected, List<Integer> eos) {
        return Golden.requests(expected.get("cases"),
                SamplingParams.builder(40).greedy(true).eosTokenIds(eos).build());
    }
}
