package dev.lockstep.model;

import java.util.Arrays;

/** Weights of random numbers in a model's shapes, without biases: for measuring what there is no checkpoint of. */
final class RandomWeights {
    private final TorchScriptProgram program;

    private RandomWeights(TorchScriptProgram program) {
        this.program = program;
    }

    static void place(TorchScriptProgram program, ModelConfig config) {
        RandomWeights weights = new RandomWeights(program);
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        weights.place("embed", config.vocabulary(), config.hidden());
        for (int layer = 0; layer < config.layers(); layer++) {
            weights.place("attention_norm", config.hidden());
            weights.place("mlp_norm", config.hidden());
            weights.place("qkv", queries + 2 * keys, config.hidden());
            weights.place("output", config.hidden(), queries);
            weights.place("gate_up", 2 * config.intermediate(), config.hidden());
            weights.place("down", config.hidden(), config.intermediate());
            if (config.qkNorm()) {
                weights.place("q_norm", config.headDim());
                weights.place("k_norm", config.headDim());
            }
        }
        weights.place("norm", config.hidden());
        if (config.tiedEmbeddings()) {
            program.integer("tie");
        } else {
            weights.place("head", config.vocabulary(), config.hidden());
        }
    }

    private void place(String weight, int... shape) {
        program.integer("stage_random", Arrays.stream(shape).asLongStream().toArray(), shape.length == 1 ? 1.0 : 0.02);
        program.integer("keep", weight);
    }
}
