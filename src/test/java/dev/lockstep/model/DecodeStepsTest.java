package dev.lockstep.model;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DecodeStepsTest {
    /** As on a host whose CUDA driver lacks something: here there is none at all. */
    @Test
    void kernelsThatCannotBeMade_areLeftToTheProgram() {
        ModelConfig config = ModelConfig.read(Golden.checkpoint("llama-gqa"));
        try (TorchScriptProgram program = TorchScriptProgram.load("Decoder", Decoder.PROGRAM);
                DecodeSteps steps = new DecodeSteps(program, config, "cuda:0", DType.FLOAT32, Acceleration.FULL)) {
            steps.allocate(4, 16, 1);
            assertThat(steps.graphBytes()).isZero();
        }
    }
}
