package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;

/** OLMoE: Llama with queries and keys that are normed over all heads, and experts. */
final class Olmoe implements Family {
    @Override
    public String name() {
        return "olmoe";
    }

    @Override
    public String architecture() {
        return "OlmoeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(16, 2048, 16, 0, 0, 2048, 50304, 4096, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        if (file.json().value("clip_qkv").isPresent()) {
            throw file.fault("clip_qkv is not supported; leave it out, or set it to null.");
        }
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.qkNorm(QkNorm.ALL_HEADS);
        draft.experts(file.experts(64, 8, file.size("intermediate_size", defaults().intermediate()),
                file.flag("norm_topk_prob", false)));
    }
}
