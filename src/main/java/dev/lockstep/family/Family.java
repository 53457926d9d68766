package dev.lockstep.family;

import java.util.Map;
import java.util.Set;

/** A model type that the decoder computes: what its {@code config.json} says, and how its tensors are named. */
interface Family {
    /** The file's model_type. */
    String name();

    /** The class of transformers that the file names. */
    String architecture();

    /** What the file may leave out. */
    Defaults defaults();

    /** By Llama's keys, those of the file that are called otherwise. */
    default Map<String, String> keys() {
        return Map.of();
    }

    /** What the file calls what Llama's calls so. */
    default String key(String llamas) {
        return keys().getOrDefault(llamas, llamas);
    }

    /** How its rotary embedding is told of. */
    default RopeForm ropeForm() {
        return RopeForm.PLAIN;
    }

    /**
     * Completes what every file is read for with what is this family's own.
     *
     * @param draft as Llama's
     */
    void read(ConfigFile file, ModelDraft draft);

    /** All classes that have these weights: the base model, saved without its head, too. */
    default Set<String> architectures() {
        return Set.of(architecture(), architecture().replace("ForCausalLM", "Model"));
    }
}
