package dev.lockstep.checkpoint;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of each field of transformers' {@code GenerationConfig} (5.18) in a checkpoint. A field that would change
 * tokens and is not done here stops a job, so that nobody gets another text than expected without a word.
 */
public enum GenerationField {
    // lengths and ends
    MAX_LENGTH(Treatment.HONOURED), MAX_NEW_TOKENS(Treatment.HONOURED), MIN_LENGTH(Treatment.HONOURED),
    MIN_NEW_TOKENS(Treatment.HONOURED), STOP_STRINGS(Treatment.HONOURED), EOS_TOKEN_ID(Treatment.HONOURED),
    MAX_TIME("a time after which a text ends, which would make it depend on the machine", value -> false),
    // sampling
    DO_SAMPLE(Treatment.HONOURED), TEMPERATURE(Treatment.HONOURED), TOP_K(Treatment.HONOURED),
    TOP_P(Treatment.HONOURED), MIN_P(Treatment.HONOURED), TYPICAL_P(Treatment.HONOURED),
    EPSILON_CUTOFF(Treatment.HONOURED), ETA_CUTOFF(Treatment.HONOURED), TOP_H("a filter by entropy", value -> false),
    // logits
    REPETITION_PENALTY(Treatment.HONOURED), ENCODER_REPETITION_PENALTY(Treatment.HONOURED),
    NO_REPEAT_NGRAM_SIZE(Treatment.HONOURED), ENCODER_NO_REPEAT_NGRAM_SIZE(Treatment.HONOURED),
    BAD_WORDS_IDS(Treatment.HONOURED), SUPPRESS_TOKENS(Treatment.HONOURED), BEGIN_SUPPRESS_TOKENS(Treatment.HONOURED),
    SEQUENCE_BIAS(Treatment.HONOURED), EXPONENTIAL_DECAY_LENGTH_PENALTY(Treatment.HONOURED),
    FORCED_BOS_TOKEN_ID(Treatment.HONOURED), FORCED_EOS_TOKEN_ID(Treatment.HONOURED),
    GUIDANCE_SCALE("classifier-free guidance", value -> value.asDouble() == 1),
    WATERMARKING_CONFIG("a watermark", value -> false),
    REMOVE_INVALID_VALUES(Treatment.WITHOUT_EFFECT), RENORMALIZE_LOGITS(Treatment.WITHOUT_EFFECT),
    TOKEN_HEALING("another tokenization of the prompt's end", value -> value.isBoolean() && !value.booleanValue()),
    // other ways to search
    NUM_BEAMS("beam search", value -> value.asDouble() == 1),
    NUM_BEAM_GROUPS("beam search in groups", value -> value.asDouble() == 1),
    CONSTRAINTS("constrained beam search", value -> value.isEmpty()),
    FORCE_WORDS_IDS("constrained beam search", value -> value.isEmpty()),
    PENALTY_ALPHA("contrastive search", value -> value.asDouble() == 0),
    DOLA_LAYERS("decoding by contrasting layers", value -> false),
    NUM_RETURN_SEQUENCES("several texts for a prompt, which --num-samples asks for here",
            value -> value.asDouble() == 1),
    DIVERSITY_PENALTY(Treatment.WITHOUT_EFFECT), LENGTH_PENALTY(Treatment.WITHOUT_EFFECT),
    EARLY_STOPPING(Treatment.WITHOUT_EFFECT), LOW_MEMORY(Treatment.WITHOUT_EFFECT),
    // the cache; a quantized one changes tokens
    CACHE_IMPLEMENTATION("a quantized cache", value -> !value.asText().equals("quantized")),
    CACHE_CONFIG(Treatment.WITHOUT_EFFECT),
    USE_CACHE(Treatment.WITHOUT_EFFECT), MAX_CACHE_LEN(Treatment.WITHOUT_EFFECT),
    PREFILL_CHUNK_SIZE(Treatment.WITHOUT_EFFECT), CONTINUOUS_BATCHING_CONFIG(Treatment.WITHOUT_EFFECT),
    COMPILE_CONFIG(Treatment.WITHOUT_EFFECT), DISABLE_COMPILE(Treatment.WITHOUT_EFFECT),
    // speculation, which is for speed
    PROMPT_LOOKUP_NUM_TOKENS(Treatment.WITHOUT_EFFECT), MAX_MATCHING_NGRAM_SIZE(Treatment.WITHOUT_EFFECT),
    IS_ASSISTANT(Treatment.WITHOUT_EFFECT), NUM_ASSISTANT_TOKENS(Treatment.WITHOUT_EFFECT),
    NUM_ASSISTANT_TOKENS_SCHEDULE(Treatment.WITHOUT_EFFECT), ASSISTANT_CONFIDENCE_THRESHOLD(Treatment.WITHOUT_EFFECT),
    ASSISTANT_EARLY_EXIT(Treatment.WITHOUT_EFFECT), ASSISTANT_LOOKBEHIND(Treatment.WITHOUT_EFFECT),
    TARGET_LOOKBEHIND(Treatment.WITHOUT_EFFECT), ASSISTANT_ENSEMBLE_WEIGHT(Treatment.WITHOUT_EFFECT),
    SPECULATION_TYPE(Treatment.WITHOUT_EFFECT), USE_MTP(Treatment.WITHOUT_EFFECT),
    // what is returned beside the tokens, and the rest
    OUTPUT_ATTENTIONS(Treatment.WITHOUT_EFFECT), OUTPUT_HIDDEN_STATES(Treatment.WITHOUT_EFFECT),
    OUTPUT_SCORES(Treatment.WITHOUT_EFFECT), OUTPUT_LOGITS(Treatment.WITHOUT_EFFECT),
    RETURN_DICT_IN_GENERATE(Treatment.WITHOUT_EFFECT), PAD_TOKEN_ID(Treatment.WITHOUT_EFFECT),
    BOS_TOKEN_ID(Treatment.WITHOUT_EFFECT), DECODER_START_TOKEN_ID(Treatment.WITHOUT_EFFECT),
    TRANSFORMERS_VERSION(Treatment.WITHOUT_EFFECT), _FROM_MODEL_CONFIG(Treatment.WITHOUT_EFFECT);

    /** What is done about a field. */
    public enum Treatment {
        HONOURED, REFUSED, WITHOUT_EFFECT
    }

    private final Treatment treatment;
    private final @Nullable String what;
    @SuppressWarnings("ImmutableEnumChecker") // none of the lambdas has a state
    private final Predicate<JsonNode> neutral;

    GenerationField(Treatment treatment) {
        this.treatment = treatment;
        this.what = null;
        this.neutral = value -> true;
    }

    /**
     * One that is refused.
     *
     * @param what    it asks for
     * @param neutral whether it asks for nothing with this value
     */
    GenerationField(String what, Predicate<JsonNode> neutral) {
        this.treatment = Treatment.REFUSED;
        this.what = what;
        this.neutral = neutral;
    }

    /** Its name in files. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What is done about it. */
    public Treatment treatment() {
        return treatment;
    }

    /** What a field that is refused asks for; null for another. */
    @Nullable
    String what() {
        return what;
    }

    /** The field of this name. */
    public static Optional<GenerationField> of(String key) {
        return Arrays.stream(values()).filter(field -> field.key().equals(key)).findFirst();
    }

    /** Whether this value asks for what is refused. */
    boolean refuses(JsonNode value) {
        return treatment == Treatment.REFUSED && !value.isNull() && !neutral.test(value);
    }
}
