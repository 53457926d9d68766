package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.Rope;
import dev.lockstep.model.TensorNames;

/** StarCoder2: layer norms, biases, and an MLP without a gate. */
final class Starcoder2 implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "norm_epsilon");
    private static final TensorNames NAMES = TensorNames.of("c_fc", "up_proj", "c_proj", "down_proj");

    @Override
    public String name() {
        return "starcoder2";
    }

    @Override
    public String architecture() {
        return "Starcoder2ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(30, 3072, 24, 2, 0, 12288, 49152, 4096, 1e-5, 10_000, true);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("use_bias", true);
        draft.biases(bias, bias, bias);
        draft.layerNorms(true, Residual.IN_TURN);
        draft.activation(file.activationAlone("gelu_pytorch_tanh"));
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.window(0), rope));
        draft.names(NAMES);
    }
}
