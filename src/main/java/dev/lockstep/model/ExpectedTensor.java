package dev.lockstep.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A tensor that a configuration calls for.
 *
 * @param name  Hugging Face's name
 * @param shape sizes, outermost first ({@code [out, in]} for a projection); not to be written to
 */
public record ExpectedTensor(String name, int[] shape) {

    static List<ExpectedTensor> of(ModelConfig config) {
        List<ExpectedTensor> tensors = new ArrayList<>();
        add(tensors, "model.embed_tokens.weight", config.vocabulary(), config.hidden());
        for (int layer = 0; layer < config.layers(); layer++) {
            addLayer(tensors, "model.layers." + layer + ".", config);
        }
        add(tensors, "model.norm.weight", config.hidden());
        if (!config.tiedEmbeddings()) {
            add(tensors, "lm_head.weight", config.vocabulary(), config.hidden());
        }
        return List.copyOf(tensors);
    }

    private static void addLayer(List<ExpectedTensor> tensors, String layer, ModelConfig config) {
        int hidden = config.hidden();
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        add(tensors, layer + "input_layernorm.weight", hidden);
        addProjection(tensors, layer + "self_attn.q_proj", queries, hidden, config.attentionBias());
        addProjection(tensors, layer + "self_attn.k_proj", keys, hidden, config.attentionBias());
        addProjection(tensors, layer + "self_attn.v_proj", keys, hidden, config.attentionBias());
        addProjection(tensors, layer + "self_attn.o_proj", hidden, queries, config.outputBias());
        if (config.qkNorm()) {
            add(tensors, layer + "self_attn.q_norm.weight", config.headDim());
            add(tensors, layer + "self_attn.k_norm.weight", config.headDim());
        }
        add(tensors, layer + "post_attention_layernorm.weight", hidden);
        addProjection(tensors, layer + "mlp.gate_proj", config.intermediate(), hidden, config.mlpBias());
        addProjection(tensors, layer + "mlp.up_proj", config.intermediate(), hidden, config.mlpBias());
        addProjection(tensors, layer + "mlp.down_proj", hidden, config.intermediate(), config.mlpBias());
    }

    private static void addProjection(List<ExpectedTensor> tensors, String name, int out, int in, boolean bias) {
        add(tensors, name + ".weight", out, in);
        if (bias) {
            add(tensors, name + ".bias", out);
        }
    }

    private static void add(List<ExpectedTensor> tensors, String name, int... shape) {
        tensors.add(new ExpectedTensor(name, shape));
    }
}
