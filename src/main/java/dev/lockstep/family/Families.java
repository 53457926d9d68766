package dev.lockstep.family;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.host.Printable;
import dev.lockstep.host.Spelling;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;

/** All model types that the decoder computes. */
public final class Families {
    private static final List<Family> ALL = List.of(new Apertus(), new Arcee(), new Cohere(), new Cohere2(),
            new Ernie45(),
            new Exaone4(), new Falcon(), new Gemma2(), WithImages.GEMMA3, new Gemma3(), new Glm(), new Glm4(),
            new Glm4Moe(), new Gpt2(), new GptNeoX(), new GptOss(), new Granite(), new GraniteMoe(),
            new Helium(), new Hunyuan(), new InternLm3(), new Llama(), WithImages.LLAMA4, new Llama4(), new Ministral(),
            new Ministral3(), new Mistral(),
            WithImages.MISTRAL3, new Mixtral(), new Nemotron(), new Olmo2(), new Olmo3(), new Olmoe(),
            new Opt(), new Phi(), new Phi3(), new Qwen2(), WithImages.QWEN2_5_VL, new Qwen2Moe(),
            WithImages.QWEN2_VL, new Qwen3(), new Qwen3Moe(), WithImages.QWEN3_VL, new SeedOss(), new SmolLm3(),
            new StableLm(), new Starcoder2());

    private Families() {}

    /**
     * Reads {@code config.json} of a checkpoint directory.
     *
     * @throws ModelException when the file is absent, is not JSON, has a bad value, or describes a model that the
     *                        decoder does not compute
     */
    public static ModelConfig read(Path directory) {
        JsonFile whole = JsonFile.read(directory.resolve("config.json"));
        Family family = family(whole);
        checkArchitecture(whole, family);
        if (family instanceof WithImages model) {
            JsonFile part = WithImages.part(whole);
            WithImages images = model.of(part);
            ModelDraft draft = draft(part, images);
            draft.tied(whole.flag("tie_word_embeddings").orElse(images.tied()));
            ModelConfig config = draft.config(images.name());
            return namesDtype(whole) ? config.withDtype(ConfigFile.dtype(whole)) : config;
        }
        return draft(whole, family).config(family.name());
    }

    private static ModelDraft draft(JsonFile json, Family family) {
        ConfigFile file = new ConfigFile(json, family);
        ModelDraft draft = new ModelDraft(file);
        family.read(file, draft);
        return draft;
    }

    /** Whether the configuration says the type of the weights, and does not leave it to them. */
    public static boolean namesDtype(Path directory) {
        JsonFile whole = JsonFile.read(directory.resolve("config.json"));
        return namesDtype(whole) || whole.object("text_config").filter(Families::namesDtype).isPresent();
    }

    private static boolean namesDtype(JsonFile json) {
        return json.value("dtype").or(() -> json.value("torch_dtype")).isPresent();
    }

    private static Family family(JsonFile json) {
        String type = json.text("model_type")
                .orElseThrow(() -> json.fault("model_type is missing; supported are " + names() + "."));
        return ALL.stream().filter(family -> family.name().equals(type)).findFirst().orElseThrow(() -> json
                .fault("model_type \"" + Printable.cut(type) + "\" is not supported"
                        + nearest(type).map(near -> " (nearest by name: " + near + ")").orElse("")
                        + "; supported are " + names() + "."));
    }

    private static void checkArchitecture(JsonFile json, Family family) {
        for (JsonNode name : json.value("architectures").orElse(JsonFile.JSON.createArrayNode())) {
            // the base model, saved without its head, has the same weights
            if (!family.architectures().contains(name.asText())) {
                throw json.fault("architecture " + JsonFile.printable(name) + " is not supported; for model_type "
                        + family.name() + " it is \"" + family.architecture() + "\".");
            }
        }
    }

    /**
     * The one whose name is nearest to a name that none has: one that it begins, or that begins it, or that differs in two
     * letters at most. It may still be another model, as mistral is for mixtral.
     */
    static Optional<String> nearest(String modelType) {
        String name = modelType.toLowerCase(Locale.ROOT).replace('-', '_');
        if (name.length() < 3) {
            return Optional.empty();
        }
        List<String> all = ALL.stream().map(Family::name).toList();
        return all.stream().filter(each -> each.startsWith(name)).findFirst()
                .or(() -> all.stream().filter(name::startsWith).max(Comparator.comparingInt(String::length)))
                .or(() -> all.stream()
                        .filter(each -> Math.abs(each.length() - name.length()) <= 2
                                && Spelling.distance(name, each) <= 2)
                        .min(Comparator.comparingInt(each -> Spelling.distance(name, each))));
    }

    /** All of them, for a sentence. */
    public static String names() {
        List<String> names = ALL.stream().map(Family::name).toList();
        int last = names.size() - 1;
        return String.join(", ", names.subList(0, last)) + " and " + names.get(last);
    }
}
