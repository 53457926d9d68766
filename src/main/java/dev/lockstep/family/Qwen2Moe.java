package dev.lockstep.family;

import dev.lockstep.model.Rope;

/** Qwen2 with experts, one of which all tokens go through. */
final class Qwen2Moe implements Family {
    @Override
    public String name() {
        return "qwen2_moe";
    }

    @Override
    public String architecture() {
        return "Qwen2MoeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(24, 2048, 16, 16, 0, 5632, 151936, 32768, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.biases(file.flag("qkv_bias", true), false, false);
        Rope rope = file.rope();
        int window = file.flag("use_sliding_window", false) ? file.window(4096) : 0;
        int most = file.integer("max_window_layers", 28);
        draft.layers(rope, file.layers(window, layer -> window > 0 && layer % 2 == 0 && layer < most, layer -> rope,
                layer -> rope));
        draft.experts(file.experts(60, 4, file.size("moe_intermediate_size", 1408),
                file.flag("norm_topk_prob", false))
                .withShared(file.size("shared_expert_intermediate_size", 5632), true));
    }
}
