package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** ERNIE 4.5, dense: Llama with neighbouring dimensions that turn. */
final class Ernie45 implements Family {
    @Override
    public String name() {
        return "ernie4_5";
    }

    @Override
    public String architecture() {
        return "Ernie4_5ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(18, 1024, 16, 2, 128, 3072, 103424, 131072, 1e-5, 500_000, true);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("use_bias", false);
        draft.biases(bias, bias, bias);
        draft.stored(new Stored(false, false, true, 1, 1, TensorNames.LLAMA));
    }
}
