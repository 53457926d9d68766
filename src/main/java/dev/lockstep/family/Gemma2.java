package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;

/** Gemma 2: caps, norms on both sides, and a window in every other layer. */
final class Gemma2 implements Family {
    @Override
    public String name() {
        return "gemma2";
    }

    @Override
    public String architecture() {
        return "Gemma2ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(26, 2304, 8, 4, 256, 9216, 256000, 8192, 1e-6, 10_000, true);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        common(file, draft, QkNorm.NONE);
        draft.finalSoftcap(file.softcap("final_logit_softcapping", 30));
        draft.attention(1 / Math.sqrt(file.positive("query_pre_attn_scalar", 256)),
                file.softcap("attn_logit_softcapping", 50));
        Rope rope = file.rope();
        draft.layers(rope,
                file.layers(file.window(4096), layer -> layer % 2 == 0, layer -> rope, layer -> rope));
    }

    /** What Gemma 3 has too. */
    static void common(ConfigFile file, ModelDraft draft, QkNorm qk) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, false);
        draft.norms(true, true, qk, true, true);
        draft.activation(file.activation("hidden_activation", "gelu_pytorch_tanh"));
        draft.embeddingScale(Math.sqrt(file.hidden()));
    }
}
