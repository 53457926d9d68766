package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** GLM-4 of 2024: neighbouring dimensions of half a head turn. */
final class Glm implements Family {
    @Override
    public String name() {
        return "glm";
    }

    @Override
    public String architecture() {
        return "GlmForCausalLM";
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
        draft.biases(file.flag("attention_bias", true), false, false);
        draft.stored(new Stored(false, true, true, 1, 1, TensorNames.LLAMA));
    }
}
