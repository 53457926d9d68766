package dev.lockstep.model;

import java.util.Arrays;

/** Weights of random numbers in a model's shapes: for measuring what there is no checkpoint of. */
final class RandomWeights {
    private RandomWeights() {}

    static void place(TorchScriptProgram program, ModelConfig config) {
        program.integer("pack");
        for (Weight weight : Weight.of(config)) {
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
