package dev.lockstep.family;

import dev.lockstep.model.Rope;
import dev.lockstep.model.TensorNames;

/** Mixtral: Mistral with experts in every layer, under names of its own. */
final class Mixtral implements Family {
    @Override
    public String name() {
        return "mixtral";
    }

    @Override
    public String architecture() {
        return "MixtralForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 8, 0, 14336, 32000, 131072, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.window(0), rope));
        draft.experts(file.experts(8, 2, file.size("intermediate_size", defaults().intermediate()), true));
        draft.names(TensorNames.of("block_sparse_moe", "mlp", "w1", "gate_proj", "w2", "down_proj", "w3", "up_proj"));
    }
}
