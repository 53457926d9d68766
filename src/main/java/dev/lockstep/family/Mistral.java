package dev.lockstep.family;

import dev.lockstep.model.Rope;

/** Mistral: all layers have the same window, if any. */
final class Mistral implements Family {
    @Override
    public String name() {
        return "mistral";
    }

    @Override
    public String architecture() {
        return "MistralForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 8, 0, 14336, 32000, 131072, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.window(4096), rope));
    }
}
