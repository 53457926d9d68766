package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;

/** Qwen3 with experts. */
final class Qwen3Moe implements Family {
    @Override
    public String name() {
        return "qwen3_moe";
    }

    @Override
    public String architecture() {
        return "Qwen3MoeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(24, 2048, 32, 4, 0, 6144, 151936, 32768, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.qkNorm(QkNorm.EACH_HEAD);
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.flag("use_sliding_window", false) ? file.window(4096) : 0, rope));
        draft.experts(file.experts(128, 8, file.size("moe_intermediate_size", 768),
                file.flag("norm_topk_prob", false)));
    }
}
