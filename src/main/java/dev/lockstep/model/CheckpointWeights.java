package dev.lockstep.model;

import java.util.Arrays;

/** Hands a checkpoint's weights to the decoder's program, which maps them from their files. */
final class CheckpointWeights {
    private final TorchScriptProgram program;
    private final Checkpoint checkpoint;
    private final ModelConfig config;
    // fused into one tensor unless that would copy what is mapped; the same for all layers, whatever the mixture of
    // types, because the program counts parts by layer
    private final boolean fuse;

    CheckpointWeights(TorchScriptProgram program, Checkpoint checkpoint, String device, DType dtype) {
        this.program = program;
        this.checkpoint = checkpoint;
        this.config = checkpoint.config();
        this.fuse = !device.equals("cpu")
                || checkpoint.tensors().values().stream().noneMatch(tensor -> tensor.dtype() == dtype);
    }

    void place() {
        place("embed", "model.embed_tokens.weight");
        for (int layer = 0; layer < config.layers(); layer++) {
            placeLayer("model.layers." + layer + ".");
        }
        place("norm", "model.norm.weight");
        if (config.tiedEmbeddings()) {
            program.integer("tie");
        } else {
            place("head", "lm_head.weight");
        }
    }

    private void placeLayer(String layer) {
        place("attention_norm", layer + "input_layernorm.weight");
        place("mlp_norm", layer + "post_attention_layernorm.weight");
        placeProjection("qkv", config.attentionBias(), layer + "self_attn.q_proj", layer + "self_attn.k_proj",
                layer + "self_attn.v_proj");
        placeProjection("output", config.outputBias(), layer + "self_attn.o_proj");
        placeProjection("gate_up", config.mlpBias(), layer + "mlp.gate_proj", layer + "mlp.up_proj");
        placeProjection("down", config.mlpBias(), layer + "mlp.down_proj");
        if (config.qkNorm()) {
            place("q_norm", layer + "self_attn.q_norm.weight");
            place("k_norm", layer + "self_attn.k_norm.weight");
        }
    }

    private void placeProjection(String weight, boolean bias, String... names) {
        place(weight, suffixed(names, ".weight"));
        if (bias) {
            place(weight + "_bias", suffixed(names, ".bias"));
        }
    }

    private static String[] suffixed(String[] names, String suffix) {
        return Arrays.stream(names).map(name -> name + suffix).toArray(String[]::new);
    }

    /** One weight from its stored parts. */
    private void place(String weight, String... names) {
        for (String name : names) {
            TensorRef tensor = checkpoint.tensor(name);
            program.integer("stage", tensor.file().toString(), tensor.file().toFile().length(), tensor.offset(),
                    Arrays.stream(tensor.shape()).asLongStream().toArray(), tensor.dtype().torchCode(),
                    tensor.dtype().bytes());
            if (!fuse) {
                program.integer("keep", weight);
            }
        }
        if (fuse) {
            program.integer("keep", weight);
        }
    }
}
