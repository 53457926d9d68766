package dev.lockstep.generate;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import dev.lockstep.model.ModelConfig;

/** What of a request no model, or not this one, can do. */
final class RequestErrors {
    private RequestErrors() {}

    /**
     * Why a request cannot be generated, or null.
     *
     * @param guided null where the model has no tokenizer
     */
    static @Nullable String of(Request request, ModelConfig model, @Nullable GuidedTokens guided) {
        String guide = request.params().rules().guide();
        if (guide != null) {
            if (guided == null || !guided.isPossible()) {
                return guide + " needs a tokenizer.json with a ByteLevel decoder, and this model has another; take "
                        + "it out of the row";
            }
            if (request.params().eosTokenIds().isEmpty()) {
                return guide + " needs an end token; name one with eos_token_id";
            }
            if (request.params().ignoreEos()) {
                return guide + " and ignore_eos do not go together: the text ends where it is complete";
            }
        }
        return of(request, model);
    }

    /** The same of a row without a grammar. */
    static @Nullable String of(Request request, ModelConfig model) {
        int context = model.contextLength();
        int vocabulary = model.vocabulary();
        if (request.promptIds().length == 0) {
            return "the prompt has no tokens";
        }
        if (request.embedding() != null && request.promptIds().length > context) {
            return "the prompt has " + request.promptIds().length + " tokens, and the model's context is " + context;
        }
        if (request.embedding() != null && request.embedding().dimensions() > model.hidden()) {
            return request.embedding().dimensions() + " dimensions are asked for, and the model has " + model.hidden();
        }
        if (request.embedding() == null && request.promptIds().length >= context) {
            return "the prompt has " + request.promptIds().length + " tokens, and the model's context of " + context
                    + " leaves no room for a new one";
        }
        // after a single token a text is read in as many turns as it takes
        if (request.promptIds().length > 1 && request.promptIds().length + request.forced().length > context) {
            return "the prompt and the text to be scored have " + (request.promptIds().length + request.forced().length)
                    + " tokens, and the model's context is " + context;
        }
        int longest = model.longestPrompt();
        if (request.promptIds().length > longest) {
            return "the prompt has " + request.promptIds().length
                    + " tokens, and with dynamic rope scaling it may have "
                    + "as many as the model was trained for, " + longest + "; yarn takes longer ones";
        }
        if (Arrays.stream(request.forced()).anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "the text to be scored has a token that is not in the model's vocabulary of " + vocabulary;
        }
        if (Arrays.stream(request.promptIds()).anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "the prompt has a token that is not in the model's vocabulary of " + vocabulary;
        }
        if (request.params().eosTokenIds().stream().anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "an end token is not in the model's vocabulary of " + vocabulary;
        }
        TokenRules rules = request.params().rules();
        if (rules.beyond(vocabulary) >= 0) {
            return "token " + rules.beyond(vocabulary) + ", which the row's rules name, is not in the model's "
                    + "vocabulary of " + vocabulary;
        }
        if (rules.maxLength() != null && rules.maxLength() <= request.promptIds().length) {
            return "the prompt has " + request.promptIds().length + " tokens, and max_length of " + rules.maxLength()
                    + " leaves no room for a new one";
        }
        return null;
    }
}
