package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.TensorNames;

/** Granite: Llama with factors, which but for the embedding's are put into weights. */
final class Granite implements Family {
    @Override
    public String name() {
        return "granite";
    }

    @Override
    public String architecture() {
        return "GraniteForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 32000, 2048, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, file.flag("mlp_bias", false));
        draft.embeddingScale(file.factor("embedding_multiplier", 1));
        draft.attention(file.factor("attention_multiplier", 1), 0);
        draft.stored(new Stored(false, false, false, file.factor("residual_multiplier", 1),
                1 / file.factor("logits_scaling", 1), TensorNames.LLAMA));
    }
}
