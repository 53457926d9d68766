package dev.lockstep.family;

import dev.lockstep.model.Rope;

/**
 * Ministral 3: Mistral with a stretched context. Beyond the positions that it had before the stretching, queries grow with
 * their position; rows end there.
 */
final class Ministral3 implements Family {
    @Override
    public String name() {
        return "ministral3";
    }

    @Override
    public String architecture() {
        return "Ministral3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(34, 4096, 32, 8, 128, 14336, 131072, 262144, 1e-5, 1_000_000, false);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        Rope rope = file.rope();
        draft.layers(rope, file.alike(file.window(0), rope));
        if (!(rope.scaling()instanceof Rope.Yarn yarn)) {
            throw file.fault("rope_parameters must be yarn's for model_type " + name() + ".");
        }
        draft.longest(yarn.originalContextLength());
    }
}
