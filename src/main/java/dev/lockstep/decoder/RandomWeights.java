package dev.lockstep.decoder;

import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.model.ModelConfig;

/** Weights of random numbers in a model's shapes: for measuring what there is no checkpoint of. */
final class RandomWeights {
    private static final double DEVIATION = 0.02;

    private RandomWeights() {}

    static void place(ProgramWeights weights, ModelConfig config, Acceleration.Weights kept, ExpertWeights experts) {
        weights.pack();
        for (ModelWeight weight : ModelWeight.of(config)) {
            int[] shape = weight.shape();
            if (kept == Acceleration.Weights.INT4 && weight.parts().get(0).isLinearOfLayer()) {
                weights.stageRandomInt4(shape, DEVIATION);
                weights.keepInt4(weight.name());
            } else if (experts == ExpertWeights.MXFP4 && ExpertWeights.isOne(weight)) {
                weights.stageRandomMxfp4(shape, DEVIATION);
                weights.keep(weight.name());
            } else {
                weights.stageRandom(shape, shape.length == 1 ? 1.0 : DEVIATION);
                weights.keep(weight.name());
            }
        }
        if (config.tiedEmbeddings()) {
            weights.tie();
        }
    }
}
