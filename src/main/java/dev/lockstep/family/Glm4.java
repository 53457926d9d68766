package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
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
        return new Glm().defaults();
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(0.5);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.norms(true, true, QkNorm.NONE, false, false);
        new Glm().read(file, draft);
        draft.names(NAMES);
    }
}
