package dev.lockstep.family;

import dev.lockstep.model.Rope;

/** Qwen2: q, k and v have biases, and the last layers may have a window. */
final class Qwen2 implements Family {
    @Override
    public String name() {
        return "qwen2";
    }

    @Override
    public String architecture() {
        return "Qwen2ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 32, 0, 22016, 151936, 32768, 1e-6, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.biases(true, false, false);
        layers(file, draft);
    }

    /** Those from {@code max_window_layers} on have a window, if {@code use_sliding_window} says so. */
    static void layers(ConfigFile file, ModelDraft draft) {
        Rope rope = file.rope();
        int window = file.flag("use_sliding_window", false) ? file.window(4096) : 0;
        int first = file.integer("max_window_layers", 28);
        draft.layers(rope,
                file.layers(window, layer -> window > 0 && layer >= first, layer -> rope, layer -> rope));
    }
}
