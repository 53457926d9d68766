package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Residual;

/** StableLM: layer norms, and heads of which a part turns. */
final class StableLm implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_eps");

    @Override
    public String name() {
        return "stablelm";
    }

    @Override
    public String architecture() {
        return "StableLmForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 2560, 32, 32, 0, 6912, 50304, 4096, 1e-5, 10_000, false);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public RopeForm ropeForm() {
        return RopeForm.partial(0.25);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        if (file.flag("qk_layernorm", false)) {
            throw file.fault("qk_layernorm true is not supported; supported are models without it.");
        }
        draft.biases(file.flag("use_qkv_bias", false), false, false);
        draft.layerNorms(true, file.flag("use_parallel_residual", false)
                ? Residual.PARALLEL_WITH_ONE_NORM
                : Residual.IN_TURN);
    }
}
