package dev.lockstep.family;

import dev.lockstep.model.TensorNames;

/** Granite with experts, all of a layer in one tensor. */
final class GraniteMoe implements Family {
    @Override
    public String name() {
        return "granitemoe";
    }

    @Override
    public String architecture() {
        return "GraniteMoeForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 32000, 2048, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        new Granite().read(file, draft);
        draft.experts(file.experts(8, 2, file.size("intermediate_size", defaults().intermediate()), true)
                .asOneTensor());
        draft.names(TensorNames.of("block_sparse_moe.input_linear", "mlp.experts.gate_up_proj",
                "block_sparse_moe.output_linear", "mlp.experts.down_proj", "block_sparse_moe.router.layer",
                "mlp.gate"));
    }
}
