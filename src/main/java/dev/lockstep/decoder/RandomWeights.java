package dev.lockstep.decoder;

import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.checkpoint.ModelWeight;

/** Weights of random numbers in a model's shapes: for measuring what there is no checkpoint of. */
final class RandomWeights {
    private RandomWeights() {}

    static void place(DecoderProgram program, ModelConfig config) {
        program.pack();
        for (ModelWeight weight : ModelWeight.of(config)) {
            int[] shape = weight.shape();
            program.stageRandom(shape, shape.length == 1 ? 1.0 : 0.02);
            program.keep(weight.name());
        }
        if (config.tiedEmbeddings()) {
            program.tie();
        }
    }
}
