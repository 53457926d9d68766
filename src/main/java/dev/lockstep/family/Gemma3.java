package dev.lockstep.family;

import java.util.Set;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;

/** Gemma 3, its text model: layers with a window have a rotary embedding of their own. */
final class Gemma3 implements Family {
    @Override
    public String name() {
        return "gemma3_text";
    }

    @Override
    public String architecture() {
        return "Gemma3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(26, 2304, 8, 4, 256, 9216, 262208, 131072, 1e-6, 1_000_000, true);
    }

    @Override
    public RopeForm ropeForm() {
        return new RopeForm(0, false, false, 10_000);
    }

    @Override
    public Set<String> architectures() {
        return Set.of(architecture(), "Gemma3TextModel");
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Gemma2.common(file, draft, QkNorm.EACH_HEAD);
        draft.finalSoftcap(file.softcap("final_logit_softcapping", 0));
        double softcap = file.softcap("attn_logit_softcapping", 0);
        if (softcap > 0) {
            throw file.fault("attn_logit_softcapping " + softcap + " is not supported for " + name() + ".");
        }
        draft.attention(1 / Math.sqrt(file.positive("query_pre_attn_scalar", 256)), 0);
        Rope full = file.rope(false);
        Rope sliding = file.rope(true);
        // every so many layers one is without a window
        int pattern = file.positive("sliding_window_pattern", file.positive("_sliding_window_pattern", 6));
        draft.layers(full, file.layers(file.window(4096), layer -> (layer + 1) % pattern != 0, layer -> sliding,
                layer -> full));
    }
}
