package dev.lockstep.job;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The last words of a job.
 *
 * @param tokens  generated tokens, end tokens included
 * @param prompts rows of the input, failed ones included
 * @param seconds from the barrier before generation to the end of the gather
 */
public record Summary(long tokens, int prompts, double seconds) {
    private static final int KINDS_SHOWN = 5;

    public static Summary of(List<Result> results, int prompts, double seconds) {
        return new Summary(results.stream().mapToLong(Result::completionTokens).sum(), prompts, seconds);
    }

    /** Tokens by second; 0 where no time passed. */
    public double tokensPerSecond() {
        return seconds > 0 ? tokens / seconds : 0;
    }

    /** The last line on stdout, such as {@code tokens/sec: 57.7, time elapsed: 173.17, num_tokens 10000, num_prompts 100}. */
    public String line() {
        return String.format(Locale.ROOT, "tokens/sec: %.1f, time elapsed: %.2f, num_tokens %d, num_prompts %d",
                tokensPerSecond(), seconds, tokens, prompts);
    }

    /**
     * One sentence for stderr that counts failed rows by kind, each kind shown by its first row; empty where none failed.
     * Errors that differ in numbers and quoted text alone are of one kind.
     */
    public static Optional<String> failures(List<Result> results) {
        var errors = results.stream().map(Result::error).filter(error -> error != null).toList();
        if (errors.isEmpty()) {
            return Optional.empty();
        }
        var kinds = errors.stream()
                .collect(Collectors.groupingBy(Summary::kind, LinkedHashMap::new, Collectors.toList()));
        var largestFirst = kinds.values().stream().sorted((a, b) -> b.size() - a.size()).toList();
        var shown = largestFirst.stream().limit(KINDS_SHOWN)
                .map(kind -> kind.size() == 1 ? kind.get(0) : kind.get(0) + " (and " + (kind.size() - 1) + " like it)")
                .collect(Collectors.joining("; "));
        long rest = largestFirst.stream().skip(KINDS_SHOWN).mapToInt(List::size).sum();
        return Optional.of(errors.size() + " of " + results.size() + (results.size() == 1 ? " row" : " rows")
                + " failed: " + shown + (rest > 0 ? "; and " + rest + " of other kinds" : ""));
    }

    private static String kind(String error) {
        return error.replaceAll("\"[^\"]*\"", "\"\"").replaceAll("'[^']*'", "''").replaceAll("-?\\d+(\\.\\d+)?", "0");
    }
}
