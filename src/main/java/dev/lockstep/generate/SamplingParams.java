package dev.lockstep.generate;

import java.util.List;

/**
 * How the tokens of one row are chosen and when the row ends. The processors apply in transformers' order, with OpenAI's
 * two penalties where vLLM has them: repetition, presence and frequency penalty, minimum length, temperature, top-k, top-p,
 * min-p.
 *
 * @param greedy            take the likeliest token; temperature, topK, topP, minP and seed are then without effect
 * @param temperature       divides the logits; above 0, where next to nothing comes to greedy
 * @param topK              keep the k likeliest tokens; 0 keeps all
 * @param topP              keep the likeliest tokens that together reach this probability; 1 keeps all
 * @param minP              drop tokens less likely than this fraction of the likeliest; 0 drops none
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens already in prompt or text; 1 is none
 * @param presencePenalty   lowers the logits of tokens already in the text; from -2 to 2, 0 is none
 * @param frequencyPenalty  lowers them for each time; from -2 to 2, 0 is none
 * @param seed              with the row's index, sample and step it fixes every random number of the row
 * @param maxNewTokens      at most so many new tokens, the end token included; at least 1
 * @param minNewTokens      no end token before so many new tokens
 * @param ignoreEos         go on past end tokens
 * @param eosTokenIds       the end tokens
 * @param stop              strings that end the row when they come up in its text
 * @param logprobs          keep each token's log-probability and those of so many likeliest tokens, at most
 *                          {@value #MOST_LOGPROBS}; {@value #NO_LOGPROBS} keeps none
 * @param rules             what few rows ask for
 */
public record SamplingParams(boolean greedy, double temperature, int topK, double topP, double minP,
        double repetitionPenalty, double presencePenalty, double frequencyPenalty, long seed, int maxNewTokens,
        int minNewTokens, boolean ignoreEos, List<Integer> eosTokenIds, List<String> stop, int logprobs,
        TokenRules rules) {
    public static final int NO_LOGPROBS = -1;
    public static final int MOST_LOGPROBS = 20;

    /** From one over this to this: what float32 has room for beside any logit. */
    public static final double MOST_PENALTY = 1e20;

    /** Without presence and frequency penalty and without log-probabilities. */
    public SamplingParams(boolean greedy, double temperature, int topK, double topP, double minP,
            double repetitionPenalty, long seed, int maxNewTokens, int minNewTokens, boolean ignoreEos,
            List<Integer> eosTokenIds, List<String> stop) {
        this(greedy, temperature, topK, topP, minP, repetitionPenalty, 0, 0, seed, maxNewTokens, minNewTokens,
                ignoreEos, eosTokenIds, stop, NO_LOGPROBS, TokenRules.NONE);
    }

    /** Without {@link TokenRules}. */
    public SamplingParams(boolean greedy, double temperature, int topK, double topP, double minP,
            double repetitionPenalty, double presencePenalty, double frequencyPenalty, long seed, int maxNewTokens,
            int minNewTokens, boolean ignoreEos, List<Integer> eosTokenIds, List<String> stop, int logprobs) {
        this(greedy, temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed,
                maxNewTokens, minNewTokens, ignoreEos, eosTokenIds, stop, logprobs, TokenRules.NONE);
    }

    /**
     * @throws IllegalArgumentException naming the value that is out of its range
     */
    public SamplingParams {
        require(greedy || temperature > 0 && Double.isFinite(temperature), "temperature must be above 0", temperature);
        require(topK >= 0, "top-k must be 0 (all tokens) or more", topK);
        require(topP > 0 && topP <= 1, "top-p must be above 0 and at most 1", topP);
        require(minP >= 0 && minP <= 1, "min-p must be from 0 to 1", minP);
        require(isPenalty(repetitionPenalty), "repetition-penalty must be from 1e-20 to 1e20", repetitionPenalty);
        require(Math.abs(presencePenalty) <= 2, "presence-penalty must be from -2 to 2", presencePenalty);
        require(Math.abs(frequencyPenalty) <= 2, "frequency-penalty must be from -2 to 2", frequencyPenalty);
        require(maxNewTokens >= 1, "max-new-tokens must be 1 or more", maxNewTokens);
        require(minNewTokens >= 0 && minNewTokens <= maxNewTokens, "min-new-tokens must be from 0 to max-new-tokens",
                minNewTokens);
        require(stop.stream().noneMatch(String::isEmpty), "a stop string must not be empty", "\"\"");
        require(logprobs >= NO_LOGPROBS && logprobs <= MOST_LOGPROBS, "logprobs must be from 0 to " + MOST_LOGPROBS,
                logprobs);
        eosTokenIds = List.copyOf(eosTokenIds);
        stop = List.copyOf(stop);
    }

    /** The likeliest token at every step, until an end token or so many tokens. */
    public static SamplingParams greedy(int maxNewTokens, List<Integer> eosTokenIds) {
        return new SamplingParams(true, 1, 0, 1, 0, 1, 0, maxNewTokens, 0, false, eosTokenIds, List.of());
    }

    /** Whether logits can be divided and multiplied by this. */
    public static boolean isPenalty(double factor) {
        return factor >= 1 / MOST_PENALTY && factor <= MOST_PENALTY;
    }

    private static void require(boolean holds, String rule, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(rule + ", not " + value);
        }
    }
}
