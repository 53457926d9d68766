package dev.lockstep.family;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.TensorNames;

/**
 * The text part of a model that sees images too. Its {@code config.json} has an object {@code text_config}, or in older files
 * none; prompts are text, so the tensors of the other parts are left out, and the three positions that a token of such models
 * may have are one.
 *
 * @param name         model_type
 * @param architecture the whole model's class
 * @param tied         what the whole model's configuration class takes for an absent {@code tie_word_embeddings}
 * @param defaults     those of the text model
 * @param text         how the text model is read
 * @param others       other text models that there may be
 */
record WithImages(String name, String architecture, boolean tied, Defaults defaults, Family text, Family... others)
        implements
            Family {
    private static final TensorNames NAMES = TensorNames.of("model.language_model.", "model.",
            "language_model.model.", "model.", "language_model.lm_head", "lm_head");

    static final WithImages QWEN2_VL = new WithImages("qwen2_vl", "Qwen2VLForConditionalGeneration", false,
            new Defaults(80, 8192, 64, 8, 0, 29568, 152064, 32768, 1e-5, 1_000_000, false), new Qwen2());
    static final WithImages QWEN2_5_VL = new WithImages("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", false,
            QWEN2_VL.defaults, new Qwen2());
    static final WithImages QWEN3_VL = new WithImages("qwen3_vl", "Qwen3VLForConditionalGeneration", false,
            new Defaults(32, 4096, 32, 32, 128, 22016, 151936, 128000, 1e-6, 5_000_000, false), new Qwen3());
    static final WithImages MISTRAL3 = new WithImages("mistral3", "Mistral3ForConditionalGeneration", true,
            new Mistral().defaults(), new Mistral(), new Ministral3());
    static final WithImages GEMMA3 = new WithImages("gemma3", "Gemma3ForConditionalGeneration", true,
            new Gemma3().defaults(), new Gemma3());

    static final WithImages LLAMA4 = new WithImages("llama4", "Llama4ForConditionalGeneration", false,
            new Llama4().defaults(), new Llama4());

    @Override
    public RopeForm ropeForm() {
        return text.ropeForm();
    }

    @Override
    public Map<String, String> keys() {
        return text.keys();
    }

    @Override
    public Set<String> architectures() {
        return Set.of(architecture, architecture.replace("ForConditionalGeneration", "Model"));
    }

    /** The text model's part of the file. */
    static JsonFile part(JsonFile whole) {
        return whole.object("text_config").orElse(whole);
    }

    /** This with the text model that the part is of. */
    WithImages of(JsonFile part) {
        String type = part.text("model_type").orElse(name);
        if (List.of(name, name + "_text", text.name()).contains(type)) {
            return this;
        }
        Family other = Stream.of(others).filter(each -> each.name().equals(type)).findFirst()
                .orElseThrow(() -> part.fault("text_config's model_type \"" + Printable.cut(type)
                        + "\" is not supported in a " + name + "; supported is " + text.name()
                        + Stream.of(others).map(each -> " or " + each.name()).collect(Collectors.joining()) + "."));
        return new WithImages(name, architecture, tied, other.defaults(), other);
    }

    @Override
    public void read(ConfigFile file, ModelDraft draft) {
        text.read(file, draft);
        draft.names(NAMES.and(draft.names()));
    }
}
