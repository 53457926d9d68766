package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import picocli.CommandLine.Option;

import dev.lockstep.generate.TokenRules;
import dev.lockstep.grammar.Grammar;
import dev.lockstep.grammar.GrammarException;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.FieldException;
import dev.lockstep.prompts.SamplingOverrides;

/** What the command line of {@code generate} says about how tokens are chosen and when rows end. */
final class SamplingOptions {
    @Option(names = "--max-new-tokens", paramLabel = "N", description = "At most N new tokens per row (100).")
    private Integer maxNewTokens;

    @Option(names = "--min-new-tokens", paramLabel = "N", description = "No end token before N new tokens (0).")
    private Integer minNewTokens;

    @Option(names = "--greedy", description = "Take the likeliest token; the default where neither the command line nor the checkpoint asks for sampling.")
    private Boolean greedy;

    @Option(names = "--temperature", paramLabel = "T", description = "Divide the logits by T; 0 means --greedy.")
    private Double temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Sample from the K likeliest tokens; 0: from all.")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Sample from the likeliest tokens that together reach probability P.")
    private Double topP;

    @Option(names = "--min-p", paramLabel = "P", description = "Drop tokens less likely than P times the likeliest.")
    private Double minP;

    @Option(names = "--repetition-penalty", paramLabel = "R", description = "Above 1: make tokens that have occurred less likely.")
    private Double repetitionPenalty;

    @Option(names = "--presence-penalty", paramLabel = "P", description = "Subtract P, from -2 to 2, from the logits of tokens that were generated.")
    private Double presencePenalty;

    @Option(names = "--frequency-penalty", paramLabel = "P", description = "Subtract P, from -2 to 2, from them for each time they were.")
    private Double frequencyPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "Same seed, same text, for any number of ranks and batch size (0).")
    private Long seed;

    @Option(names = "--stop", paramLabel = "STR", description = "End a row when STR appears in its text; repeatable.")
    private List<String> stop;

    @Option(names = "--eos-token-id", paramLabel = "N", description = "End token instead of the checkpoint's; repeatable.")
    private List<Integer> eosTokenIds;

    @Option(names = "--ignore-eos", description = "Go on past end tokens.")
    private Boolean ignoreEos;

    @Option(names = "--logprobs", paramLabel = "N", description = "Write each token's log-probability and the N likeliest tokens in its place, 0 to 20.")
    private Integer logprobs;

    @Option(names = "--prompt-logprobs", paramLabel = "N", description = "Write the same of the prompt's tokens.")
    private Integer promptLogprobs;

    @Option(names = "--json-schema", paramLabel = "F", description = "Make each text a JSON value that this schema accepts; a row's own guided_json, guided_regex, guided_choice or response_format comes before it.")
    private Path jsonSchema;

    /**
     * The same as a row would say it.
     *
     * @throws UsageException naming the option that is out of its range
     */
    SamplingOverrides overrides() {
        int max = maxNewTokens != null ? maxNewTokens : SamplingOverrides.DEFAULT_MAX_NEW_TOKENS;
        if (minNewTokens != null && minNewTokens > max && max > 0) {
            throw new UsageException(
                    "--min-new-tokens must be at most --max-new-tokens, which is " + max + ", not " + minNewTokens);
        }
        try {
            SamplingOverrides.requireLogprobs("logprobs", logprobs);
            SamplingOverrides.requireLogprobs("prompt_logprobs", promptLogprobs);
            return new SamplingOverrides(greedy, temperature, topK, topP, minP, repetitionPenalty, presencePenalty,
                    frequencyPenalty, seed, maxNewTokens, minNewTokens, ignoreEos, eosTokenIds, null, stop, logprobs,
                    promptLogprobs, rules());
        } catch (FieldException e) {
            throw new UsageException(e.asOption(), e);
        }
    }

    private TokenRules rules() {
        if (jsonSchema == null) {
            return TokenRules.NONE;
        }
        try {
            return TokenRules.of(Grammar.schema(Files.readString(jsonSchema)));
        } catch (IOException e) {
            throw new UsageException("--json-schema " + jsonSchema + " cannot be read: " + IoReason.of(e), e);
        }
    }

    /**
     * Finds out whether the schema is one, which the launcher has not the libraries for.
     *
     * @param overrides what {@link #overrides} has given
     * @throws UsageException in one sentence, when it is not, or asks for what is not supported
     */
    void checkSchema(SamplingOverrides overrides) {
        Grammar grammar = overrides.rules().grammar();
        try {
            if (grammar != null) {
                grammar.checked();
            }
        } catch (GrammarException e) {
            throw new UsageException("--json-schema " + jsonSchema + " " + e.getMessage(), e);
        }
    }
}
