package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.replica.Team;
import dev.lockstep.torch.Device;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Weights of all forms, of which two ranks have half each; ranks are threads. */
@Timeout(300)
class ShardsTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    static List<JsonNode> merged() {
        return LoraTest.merged();
    }

    @ParameterizedTest
    @LongRun(butFor = {1, 4, 8, 9, 12, 15})
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void step_greedyInFloat32_equalsTransformers(String form) {
        assertGreedy(Checkpoint.open(Golden.checkpoint(form)), Golden.expected(form).get("cases"), form);
    }

    @ParameterizedTest
    @MethodSource("merged")
    void step_withAdapters_equalsThatOfTheSums(JsonNode merged) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(merged.get("model").asText()));
        for (JsonNode name : merged.get("adapters")) {
            checkpoint = Adapter.open(Golden.FOLDER.resolve("lora/" + name.asText()).toString()).onto(checkpoint);
        }
        assertGreedy(checkpoint, merged.get("cases"), merged.get("adapters"));
    }

    @Test
    void scores_areThoseOfARankAlone() {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("llama-gqa"));
        int[] tokens = new SplittableRandom(4).ints(60, 0, checkpoint.config().vocabulary()).toArray();
        Admission row = new Admission(0, tokens, 0, 0, 60, 61, GREEDY, Arrays.copyOfRange(tokens, 10, 50), 0);
        DecoderAllocation room = new DecoderAllocation(1, 64, 0, 1, false, 2);
        TokenLogprobs[] expected;
        try (Decoder alone = Decoder.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL)) {
            alone.allocate(room);
            alone.prefill(List.of(row));
            expected = alone.scores();
        }
        assertThat(expected).hasSize(40);
        Worlds.each(2, world -> {
            try (Decoder decoder = load(checkpoint, Team.of(world, 2, Device.CPU), Weights.AS_STORED)) {
                decoder.allocate(room);
                decoder.prefill(List.of(row));
                for (int i = 0; i < expected.length; i++) {
                    assertThat(decoder.scores()[i].chosen()).isCloseTo(expected[i].chosen(), within(1e-4f));
                    assertThat(decoder.scores()[i].bestIds()).isEqualTo(expected[i].bestIds());
                }
            }
        });
    }

    private static void assertGreedy(Checkpoint checkpoint, JsonNode cases, Object what) {
        Worlds.each(2, world -> {
            try (Decoder decoder = load(checkpoint, Team.of(world, 2, Device.CPU), Weights.AS_STORED)) {
                GoldenRows.assertGreedy(decoder, cases, what);
            }
        });
    }

    private static Decoder load(Checkpoint checkpoint, Team team, Weights weights) {
        return Decoder.load(checkpoint, Device.CPU, DType.FLOAT32, new Acceleration(true, true, weights), team,
                bytes -> {
                });
    }
}
