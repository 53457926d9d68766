package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** GLM-4 of 2025: GLM with norms on both sides, under names of its own. */
final class Glm4 implements Family {
    private static final TensorNames NAMES = TensorNames.of("post_attention_layernorm", "pre_feedforward_layernorm",
            "post_self_attn_layernorm", "post_attention_layernorm", "post_mlp_layernorm", "post_feedforward_layernorm");

    @Override
    public String name() {
        return "glm4";
    }

    @Override
    public String architecture() {
        return "Glm4ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(40, 4096, 32, 2, 128, 13696, 151552, 131072, 1.5625e-7, 10_000, false);
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(0.5);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.norms(true, true, QkNorm.NONE, false, false);
        draft.biases(file.flag("attention_bias", true), false, false);
        draft.stored(new Stored(false, true, true, 1, 1, NAMES));
    }
}
