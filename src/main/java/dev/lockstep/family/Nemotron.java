package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;

/** Nemotron: layer norms whose weights are stored less one, and an MLP without a gate. */
final class Nemotron implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "norm_eps");

    @Override
    public String name() {
        return "nemotron";
    }

    @Override
    public String architecture() {
        return "NemotronForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 6144, 48, 0, 0, 24576, 256000, 4096, 1e-5, 10_000, false);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(0.5);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, file.flag("mlp_bias", false));
        draft.norms(true, false, QkNorm.NONE, true, true);
        draft.layerNorms(true, Residual.IN_TURN);
        draft.activation(file.activationAlone("relu2"));
    }
}
