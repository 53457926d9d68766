package dev.lockstep.decoder;

import java.util.Arrays;

import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.torch.TorchScriptProgram;

/** Weights of random numbers in a model's shapes: for measuring what there is no checkpoint of. */
final class RandomWeights {
    private RandomWeights() {}

    static void place(TorchScriptProgram program, ModelConfig config) {
        program.integer("pack");
        for (ModelWeight weight : ModelWeight.of(config)) {
            int[] shape = weight.shape();
            program.integer("stage_random", Arrays.stream(shape).asLongStream().toArray(),
                    shape.length == 1 ? 1.0 : 0.02);
            program.integer("keep", weight.name());
        }
        if (config.tiedEmbeddings()) {
            program.integer("tie");
        }
    }
}
