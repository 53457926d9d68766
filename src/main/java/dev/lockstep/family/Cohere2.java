package dev.lockstep.family;

import java.util.Map;

import dev.lockstep.model.Rope;

/** Command A and R7B: Command R with windows; layers without one do not turn. */
final class Cohere2 implements Family {
    private static final Map<String, String> KEYS = Map.of("rms_norm_eps", "layer_norm_eps");

    @Override
    public String name() {
        return "cohere2";
    }

    @Override
    public String architecture() {
        return "Cohere2ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(40, 8192, 64, 0, 0, 22528, 256000, 8192, 1e-5, 10_000, true);
    }

    @Override
    public Map<String, String> keys() {
        return KEYS;
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Cohere.parallel(file, draft);
        Rope rope = file.rope();
        int window = file.window(4096);
        int pattern = file.positive("sliding_window_pattern", 4);
        draft.layers(rope, file.layers(window, layer -> window > 0 && (layer + 1) % pattern != 0, layer -> rope,
                layer -> null));
    }
}
