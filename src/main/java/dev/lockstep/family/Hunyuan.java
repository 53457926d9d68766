package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.TensorNames;

/** Hunyuan, dense: queries and keys are normed after they have turned. */
final class Hunyuan implements Family {
    private static final TensorNames NAMES = TensorNames.of("query_layernorm", "q_norm", "key_layernorm", "k_norm");

    @Override
    public String name() {
        return "hunyuan_v1_dense";
    }

    @Override
    public String architecture() {
        return "HunYuanDenseV1ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 290943, 2048, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.qkNorm(QkNorm.EACH_HEAD_TURNED);
        draft.names(NAMES);
    }
}
