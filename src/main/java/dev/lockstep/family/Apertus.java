package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.TensorNames;

/** Apertus: an MLP without a gate, whose activation has two learned numbers a layer, and normed heads. */
final class Apertus implements Family {
    private static final TensorNames NAMES = TensorNames.of("attention_layernorm", "input_layernorm",
            "feedforward_layernorm", "post_attention_layernorm");

    @Override
    public String name() {
        return "apertus";
    }

    @Override
    public String architecture() {
        return "ApertusForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 14336, 131072, 65536, 1e-5, 12_000_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.norms(true, false, QkNorm.EACH_HEAD, false, false);
        draft.activation(file.activationAlone("xielu"));
        draft.names(NAMES);
    }
}
