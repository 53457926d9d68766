package dev.lockstep.checkpoint.lora;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;

/**
 * What {@code adapter_config.json} says of how an adapter's matrices are added. Which layers they are for is not asked of
 * it, but of what is stored.
 *
 * @param rank         of a layer that no pattern of {@code ranks} names
 * @param alpha        likewise
 * @param ranks        by patterns of layers' names, of which the first counts that fits
 * @param alphas       likewise
 * @param transposed   the model stores weights the other way round, which what is added to them then is too
 * @param rootOfRank   alpha is divided by the rank's square root rather than by the rank
 * @param baseModel    what it was trained on, for people
 */
record AdapterConfig(int rank, double alpha, Map<Pattern, Integer> ranks, Map<Pattern, Double> alphas,
        boolean transposed, boolean rootOfRank, Optional<String> baseModel) {
    static final String FILE = "adapter_config.json";
    /** What to do with an adapter that is more than is added here. */
    static final String MERGE = "merge the adapter into its model with PEFT (merge_and_unload, then save_pretrained) and"
            + " give that as the model";

    /** Fields with which an adapter is more than matrices whose product is added, and what they stand for. */
    private static final Map<String, String> REFUSED = new LinkedHashMap<>();

    static {
        REFUSED.put("use_dora", "magnitudes of weights (DoRA)");
        REFUSED.put("lora_bias", "biases of the matrices");
        REFUSED.put("modules_to_save", "layers that were trained as a whole");
        REFUSED.put("layer_replication", "layers that are there more than once");
        REFUSED.put("trainable_token_indices", "embeddings of single tokens");
        REFUSED.put("target_parameters", "matrices of other parameters than linear layers' weights");
        REFUSED.put("use_qalora", "matrices of groups of columns");
        REFUSED.put("use_bdlora", "matrices in blocks");
        REFUSED.put("kasa_config", "singular values beside the matrices");
    }

    /** @throws ModelException when it is of an adapter that cannot be merged here, or contradicts itself */
    static AdapterConfig read(Path directory) {
        JsonFile json = JsonFile.read(directory.resolve(FILE));
        String type = json.text("peft_type").orElseThrow(
                () -> json.fault("peft_type is missing; an adapter that PEFT saved has one, and supported is LORA."));
        if (!type.equals("LORA")) {
            throw json.fault("peft_type " + Printable.cut(type) + " is not supported, only LORA is; where PEFT can, "
                    + MERGE + ".");
        }
        REFUSED.forEach((field, meaning) -> json.value(field).filter(AdapterConfig::isSet).ifPresent(value -> {
            throw json.fault(field + ", for " + meaning + ", is not supported; " + MERGE + ".");
        }));
        json.value("alora_invocation_tokens").filter(AdapterConfig::isSet).ifPresent(value -> {
            throw json.fault("alora_invocation_tokens, for an adapter that begins to work within the prompt, is not"
                    + " supported, and PEFT cannot merge such an adapter either; take one without them.");
        });
        json.text("bias").filter(bias -> !bias.equals("none")).ifPresent(bias -> {
            throw json.fault("bias " + Printable.cut(bias) + ", for biases that were trained, is not supported, only"
                    + " none is; " + MERGE + ".");
        });
        // with these PEFT takes the matrices' first values out of the model's weights when it loads the adapter
        json.value("init_lora_weights").filter(JsonNode::isTextual).map(JsonNode::textValue)
                .filter(init -> init.matches("(?i)(pissa|corda|olora|loftq).*")).ifPresent(init -> {
                    throw json.fault("init_lora_weights " + Printable.cut(init) + ", for an adapter to a model whose"
                            + " weights were changed before it was trained, is not supported; " + MERGE + ".");
                });
        return new AdapterConfig(json.positive("r").orElse(8), json.number("lora_alpha").orElse(8.0),
                patterns(json, "rank_pattern", JsonFile::positive),
                patterns(json, "alpha_pattern", JsonFile::number),
                json.flag("fan_in_fan_out").orElse(false), json.flag("use_rslora").orElse(false),
                json.value("base_model_name_or_path").filter(JsonNode::isTextual).map(JsonNode::textValue));
    }

    private static boolean isSet(JsonNode value) {
        return value.isContainerNode() ? !value.isEmpty() : !value.isBoolean() || value.booleanValue();
    }

    private static <T> Map<Pattern, T> patterns(JsonFile json, String field,
            BiFunction<JsonFile, String, Optional<T>> value) {
        Map<Pattern, T> patterns = new LinkedHashMap<>();
        json.object(field).ifPresent(values -> values.object().fieldNames().forEachRemaining(key -> {
            try {
                patterns.put(Pattern.compile("(.*\\.)?(" + key + ")"), value.apply(values, key)
                        .orElseThrow(() -> json.fault(field + ": " + Printable.cut(key) + " has no number.")));
            } catch (PatternSyntaxException e) {
                throw json.fault(field + ": " + Printable.cut(key) + " is no regular expression.", e);
            }
        }));
        return patterns;
    }

    /** The rank of a layer, by the name that the adapter has for it. */
    int rank(String module) {
        return of(ranks, module, rank);
    }

    /** What the product of a layer's matrices is multiplied with. */
    double scaling(String module) {
        int divisor = rank(module);
        return of(alphas, module, alpha) / (rootOfRank ? Math.sqrt(divisor) : divisor);
    }

    private static <T> T of(Map<Pattern, T> patterns, String module, T otherwise) {
        return patterns.entrySet().stream().filter(entry -> entry.getKey().matcher(module).matches())
                .map(Map.Entry::getValue).findFirst().orElse(otherwise);
    }
}
