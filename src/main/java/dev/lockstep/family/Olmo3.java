package dev.lockstep.family;

import dev.lockstep.model.Rope;

/** OLMo 3: OLMo 2 with a window in three of four layers, where the context is not stretched. */
final class Olmo3 implements Family {
    @Override
    public String name() {
        return "olmo3";
    }

    @Override
    public String architecture() {
        return "Olmo3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 0, 0, 11008, 50304, 2048, 1e-5, 500_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        new Olmo2().read(file, draft);
        Rope full = file.rope(false);
        Rope sliding = file.rope(true);
        int window = file.window(4096);
        draft.layers(full, file.layers(window, layer -> window > 0 && (layer + 1) % 4 != 0, layer -> sliding,
                layer -> full));
    }
}
