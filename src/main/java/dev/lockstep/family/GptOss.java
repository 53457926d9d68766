package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;
import dev.lockstep.model.TensorNames;

/** GPT-OSS: experts with biases, clamped, and heads that attend to something besides tokens. */
final class GptOss implements Family {
    private static final TensorNames NAMES = TensorNames.of("mlp.router", "mlp.gate", "gate_up_proj",
            "gate_up_proj.weight",
            "gate_up_proj_bias", "gate_up_proj.bias", "gate_up_proj_blocks", "gate_up_proj.blocks",
            "gate_up_proj_scales",
            "gate_up_proj.scales", "experts.down_proj", "experts.down_proj.weight", "down_proj_bias", "down_proj.bias",
            "down_proj_blocks", "down_proj.blocks", "down_proj_scales", "down_proj.scales");
    private static final double LIMIT = 7;

    @Override
    public String name() {
        return "gpt_oss";
    }

    @Override
    public String architecture() {
        return "GptOssForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(36, 2880, 64, 8, 64, 2880, 201088, 131072, 1e-5, 150_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        double limit = file.factor("swiglu_limit", LIMIT);
        if (limit != LIMIT) {
            throw file.fault("swiglu_limit " + limit + " is not supported; supported is " + LIMIT + ".");
        }
        boolean bias = file.flag("attention_bias", true);
        draft.biases(bias, bias, false);
        draft.norms(true, false, QkNorm.NONE, true, false);
        draft.activation(Activation.CLAMPED);
        draft.sinks();
        Rope rope = file.rope();
        int window = file.window(128);
        draft.layers(rope, file.layers(window, layer -> window > 0 && layer % 2 == 0, layer -> rope, layer -> rope));
        draft.experts(file.experts(128, 4, file.size("intermediate_size", defaults().intermediate()), true)
                .byTurnsWithBiases());
        draft.names(NAMES);
    }
}
