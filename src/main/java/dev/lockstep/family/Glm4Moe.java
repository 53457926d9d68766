package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.TensorNames;

/** GLM-4.5 and 4.6: experts that go by sigmoids, besides one for all tokens; the first layers are plain. */
final class Glm4Moe implements Family {
    private static final Map<String, String> KEYS = Map.of("num_experts", "n_routed_experts");
    private static final TensorNames NAMES = TensorNames.of("shared_experts", "shared_expert");

    @Override
    public String name() {
        return "glm4_moe";
    }

    @Override
    public String architecture() {
        return "Glm4MoeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(46, 4096, 96, 8, 128, 10944, 151552, 131072, 1e-5, 10_000, false);
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
        draft.biases(file.flag("attention_bias", false), false, false);
        if (file.flag("use_qk_norm", false)) {
            draft.qkNorm(QkNorm.EACH_HEAD);
        }
        int width = file.size("moe_intermediate_size", 1408);
        Experts experts = file.bySigmoids(file.experts(128, 8, width, file.flag("norm_topk_prob", true)), 1, 1);
        int shared = file.positive("n_shared_experts", 1);
        draft.experts(experts.withShared(Math.multiplyExact(shared, width), false));
        draft.names(NAMES);
    }
}
