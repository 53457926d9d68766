package dev.lockstep.family;

import java.util.Optional;
import java.util.function.IntPredicate;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.model.JsonFile;
import dev.lockstep.model.Rope;

/** SmolLM3: some layers have no rotary embedding. */
final class SmolLm3 implements Family {
    @Override
    public String name() {
        return "smollm3";
    }

    @Override
    public String architecture() {
        return "SmolLM3ForCausalLM";
    }

    @Override
    public Defaults defaults() {
        return new Defaults(36, 2048, 16, 4, 0, 11008, 128256, 32768, 1e-6, 2_000_000, true);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        boolean bias = file.flag("attention_bias", false);
        draft.biases(bias, bias, file.flag("mlp_bias", false));
        Rope rope = file.rope();
        int window = file.window(0);
        boolean slides = window > 0 && file.flag("use_sliding_window", false);
        IntPredicate turns = turns(file);
        draft.layers(rope, file.layers(window, layer -> slides && !turns.test(layer),
                layer -> turns.test(layer) ? rope : null, layer -> turns.test(layer) ? rope : null));
    }

    /** Which layers have a rotary embedding: all but some that the file names, or every so many. */
    static IntPredicate turns(ConfigFile file) {
        Optional<JsonNode> given = file.json().value("no_rope_layers");
        if (given.isEmpty()) {
            int interval = file.positive("no_rope_layer_interval", 4);
            return layer -> (layer + 1) % interval != 0;
        }
        if (!given.get().isArray() || given.get().size() < file.layers()) {
            throw file.fault("no_rope_layers must have an entry for each of the layers, not "
                    + JsonFile.printable(given.get()) + ".");
        }
        return layer -> given.get().get(layer).asInt() != 0;
    }
}
