package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** StableLM: layer norms, of heads too in one size, and heads of which a part turns. */
final class StableLm implements Family {
    private static final TensorNames NAMES = TensorNames.of("q_layernorm.norms", "q_norm", "k_layernorm.norms",
            "k_norm");
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
        draft.biases(file.flag("use_qkv_bias", false), false, false);
        draft.layerNorms(true, file.flag("use_parallel_residual", false)
                ? Residual.PARALLEL_WITH_ONE_NORM
                : Residual.IN_TURN);
        if (file.flag("qk_layernorm", false)) {
            draft.qkNorm(QkNorm.EACH_HEAD_ITS_OWN);
            draft.stored(new Stored(false, false, false, 1, 1, NAMES, 0, false, true));
        }
    }
}
