package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** Command R: layer norms, and attention beside the MLP. */
final class Cohere implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_eps");

    @Override
    public String name() {
        return "cohere";
    }

    @Override
    public String architecture() {
        return "CohereForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(40, 8192, 64, 0, 0, 22528, 256000, 8192, 1e-5, 10_000, true);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        parallel(file, draft);
        if (file.flag("use_qk_norm", false)) {
            draft.qkNorm(QkNorm.EACH_HEAD_ITS_OWN);
        }
    }

    /** Attention and MLP of one layer norm, and what is put into weights. */
    static void parallel(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.layerNorms(false, Residual.PARALLEL_WITH_ONE_NORM);
        draft.stored(new Stored(false, false, true, 1, file.factor("logit_scale", 0.0625), TensorNames.LLAMA));
    }
}
