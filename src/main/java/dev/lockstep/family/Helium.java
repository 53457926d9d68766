package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** Helium: Llama with neighbouring dimensions that turn. */
final class Helium implements Family {
    @Override
    public String name() {
        return "helium";
    }

    @Override
    public String architecture() {
        return "HeliumForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(24, 2560, 20, 20, 128, 7040, 48000, 4096, 1e-8, 100_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.biases(file.flag("attention_bias", false), false, file.flag("mlp_bias", false));
        draft.stored(new Stored(false, false, true, 1, 1, TensorNames.LLAMA));
    }
}
