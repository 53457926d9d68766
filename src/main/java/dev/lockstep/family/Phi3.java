package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.Rope;

/** Phi-3 and Phi-4: fused projections, and heads of which a part may turn. */
final class Phi3 implements Family {
    @Override
    public String name() {
        return "phi3";
    }

    @Override
    public String architecture() {
        return "Phi3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 3072, 32, 0, 0, 8192, 32064, 4096, 1e-5, 10_000, false);
    }

    @Override
    public RopeForm ropeForm() {
        return new RopeForm(1, true, true, 0);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.stored(Stored.plain(true));
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.window(0), rope));
    }
}
