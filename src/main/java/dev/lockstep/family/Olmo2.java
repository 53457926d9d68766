package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;

/** OLMo 2: what attention and MLP give is normed, not what they take. */
final class Olmo2 implements Family {
    @Override
    public String name() {
        return "olmo2";
    }

    @Override
    public String architecture() {
        return "Olmo2ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 50304, 2048, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.norms(false, true, QkNorm.ALL_HEADS, true, false);
    }
}
