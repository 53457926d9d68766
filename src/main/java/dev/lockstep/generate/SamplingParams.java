package dev.lockstep.generate;

import java.util.List;

/**
 * How the tokens of one sequence are chosen and when the sequence ends. The processors apply in transformers' order, with OpenAI's
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
 * @param seed              with the sequence's index, sample and step it fixes every random number of the sequence
 * @param maxNewTokens      at most so many new tokens, the end token included; at least 1
 * @param minNewTokens      no end token before so many new tokens
 * @param ignoreEos         go on past end tokens
 * @param eosTokenIds       the end tokens
 * @param stop              strings that end the sequence when they come up in its text
 * @param logprobs          keep each token's log-probability and those of so many likeliest tokens, at most
 *                          {@value #MOST_LOGPROBS}; {@value #NO_LOGPROBS} keeps none
 * @param promptLogprobs    the same of the prompt's tokens after the first
 * @param rules             what few sequences ask for
 */
public record SamplingParams(boolean greedy, double temperature, int topK, double topP, double minP,
        double repetitionPenalty, double presencePenalty, double frequencyPenalty, long seed, int maxNewTokens,
        int minNewTokens, boolean ignoreEos, List<Integer> eosTokenIds, List<String> stop, int logprobs,
        int promptLogprobs, TokenRules rules) {
    public static final int NO_LOGPROBS = -1;
    public static final int MOST_LOGPROBS = 20;

    /** From one over this to this: what float32 has room for beside any logit. */
    public static final double MOST_PENALTY = 1e20;

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
        require(promptLogprobs >= NO_LOGPROBS && promptLogprobs <= MOST_LOGPROBS,
                "prompt-logprobs must be from 0 to " + MOST_LOGPROBS, promptLogprobs);
        eosTokenIds = List.copyOf(eosTokenIds);
        stop = List.copyOf(stop);
    }

    /** The likeliest token at every step, until an end token or so many tokens. */
    public static SamplingParams greedy(int maxNewTokens, List<Integer> eosTokenIds) {
        return builder(maxNewTokens).greedy(true).eosTokenIds(eosTokenIds).build();
    }

    /** Begins with sampling from the model's own probabilities, until so many tokens, end tokens or not. */
    public static Builder builder(int maxNewTokens) {
        return new Builder(maxNewTokens);
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

    /** Whether tokens that were there before are less likely, or more. */
    boolean hasPenalty() {
        Double prompt = rules.promptRepetitionPenalty();
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0 || prompt != null && prompt != 1;
    }

    /** Takes the components by their names; what is not said has no effect on the text. */
    public static final class Builder {
        private final int maxNewTokens;
        private boolean greedy;
        private double temperature = 1;
        private int topK;
        private double topP = 1;
        private double minP;
        private double repetitionPenalty = 1;
        private double presencePenalty;
        private double frequencyPenalty;
        private long seed;
        private int minNewTokens;
        private boolean ignoreEos;
        private List<Integer> eosTokenIds = List.of();
        private List<String> stop = List.of();
        private int logprobs = NO_LOGPROBS;
        private int promptLogprobs = NO_LOGPROBS;
        private TokenRules rules = TokenRules.NONE;

        private Builder(int maxNewTokens) {
            this.maxNewTokens = maxNewTokens;
        }

        public Builder greedy(boolean value) {
            greedy = value;
            return this;
        }

        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder topP(double value) {
            topP = value;
            return this;
        }

        public Builder minP(double value) {
            minP = value;
            return this;
        }

        public Builder repetitionPenalty(double value) {
            repetitionPenalty = value;
            return this;
        }

        public Builder presencePenalty(double value) {
            presencePenalty = value;
            return this;
        }

        public Builder frequencyPenalty(double value) {
            frequencyPenalty = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder minNewTokens(int value) {
            minNewTokens = value;
            return this;
        }

        public Builder ignoreEos(boolean value) {
            ignoreEos = value;
            return this;
        }

        public Builder eosTokenIds(List<Integer> value) {
            eosTokenIds = value;
            return this;
        }

        public Builder stop(List<String> value) {
            stop = value;
            return this;
        }

        public Builder stop(String... value) {
            return stop(List.of(value));
        }

        public Builder logprobs(int value) {
            logprobs = value;
            return this;
        }

        public Builder promptLogprobs(int value) {
            promptLogprobs = value;
            return this;
        }

        public Builder rules(TokenRules value) {
            rules = value;
            return this;
        }

        /** @throws IllegalArgumentException naming the value that is out of its range */
        public SamplingParams build() {
            return new SamplingParams(greedy, temperature, topK, topP, minP, repetitionPenalty, presencePenalty,
                    frequencyPenalty, seed, maxNewTokens, minNewTokens, ignoreEos, eosTokenIds, stop, logprobs,
                    promptLogprobs, rules);
        }
    }
}
