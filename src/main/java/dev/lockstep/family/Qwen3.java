package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;

/** Qwen3: queries and keys are normed head by head. */
final class Qwen3 implements Family {
    @Override
    public String name() {
        return "qwen3";
    }

    @Override
    public String architecture() {
        return "Qwen3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 32, 128, 22016, 151936, 32768, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.qkNorm(QkNorm.EACH_HEAD);
        Qwen2.layers(file, draft);
    }
}
