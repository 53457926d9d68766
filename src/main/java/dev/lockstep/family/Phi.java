package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.TensorNames;

/** Phi-1 to Phi-2: layer norms, biases everywhere, and attention beside the MLP. */
final class Phi implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_eps");
    private static final TensorNames NAMES = TensorNames.of("dense", "o_proj", "fc1", "up_proj", "fc2", "down_proj",
            "model.final_layernorm", "model.norm");

    @Override
    public String name() {
        return "phi";
    }

    @Override
    public String architecture() {
        return "PhiForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(24, 2048, 32, 0, 0, 8192, 51200, 2048, 1e-5, 10_000, false);
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
        if (file.flag("qk_layernorm", false)) {
            throw file.fault("qk_layernorm true is not supported; supported are models without it.");
        }
        draft.biases(true, true, true);
        draft.layerNorms(true, Residual.PARALLEL_WITH_ONE_NORM);
        draft.activation(file.activationAlone("gelu_new"));
        draft.ends(new Ends(0, 0, true));
        draft.names(NAMES);
    }
}
