package dev.lockstep.decoder;

import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** Experts are computed in one of three ways, two of which only steps on a GPU take; on CPU all three come to the same. */
class MixtureTest {
    @ParameterizedTest
    @CsvSource({"qwen3_moe, 1", "qwen3_moe, 4", "qwen3_moe, 33", "granitemoe, 1", "granitemoe, 2", "granitemoe, 70",
            "gpt_oss, 3", "gpt_oss, 40"})
    void experts_allWays_areTheSame(String family, int tokens) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint("family/" + family));
        Shard whole = Shard.of(checkpoint.config(), 0, 1);
        TorchScriptProgram checks = TorchScriptProgram.load(Decoder.class, "Decoder",
                Stream.concat(DecoderProgram.PARTS.stream(), Stream.of("mixture-checks.torchscript")).toList());
        try (DecoderProgram program = new DecoderProgram(checks)) {
            program.configure(whole, DType.FLOAT32, Device.CPU);
            new CheckpointWeights(program, checkpoint, whole, Device.CPU, DType.FLOAT32, Acceleration.Weights.WIDE)
                    .place(bytes -> {
                    });
            float[] difference = checks.floats("mixture_differences", 1, tokens)[0];
            assertThat(difference[2]).isGreaterThan(0.1f);
            assertThat(difference[0]).isLessThan(1e-5f * difference[2]);
            assertThat(difference[1]).isLessThan(1e-5f * difference[2]);
        }
    }
}
