package dev.lockstep.family;

import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;

/** EXAONE 4: what attention and MLP give is normed; among layers with a window those without do not turn. */
final class Exaone4 implements Family {
    @Override
    public String name() {
        return "exaone4";
    }

    @Override
    public String architecture() {
        return "Exaone4ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(32, 4096, 32, 32, 0, 16384, 102400, 2048, 1e-5, 10_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        draft.norms(false, true, QkNorm.EACH_HEAD, false, false);
        Rope rope = file.rope();
        int window = file.window(4096);
        int pattern = window == 0 || file.has("layer_types") ? 0 : file.positive("sliding_window_pattern", 4);
        draft.layers(rope, file.layers(window, layer -> window > 0 && (layer + 1) % pattern != 0, layer -> rope,
                layer -> window > 0 ? null : rope));
    }
}
