package dev.lockstep.family;

import dev.lockstep.model.Rope;

/** Ministral: Mistral with layers that see all tokens among those with a window. */
final class Ministral implements Family {
    @Override
    public String name() {
        return "ministral";
    }

    @Override
    public String architecture() {
        return "MinistralForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 8, 0, 14336, 32000, 131072, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Rope rope = file.rope();
        int window = file.window(4096);
        draft.layers(rope, file.layers(window, layer -> window > 0, layer -> rope, layer -> rope));
    }
}
