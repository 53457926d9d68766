package dev.lockstep.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.host.UsageException;

/**
 * Rows of given lengths, of random tokens.
 *
 * @param name   as the user named it
 * @param rows   how many
 * @param common tokens that all prompts begin with
 * @param prompt tokens of a row's prompt, by row
 * @param output new tokens of a row, by row
 */
record Workload(String name, int rows, int common, IntUnaryOperator prompt, IntUnaryOperator output) {
    /** All that have names of their own. */
    static final String NAMES = "seed, mixed, prefix, documents, or IN/OUT such as 128/128";

    private static final int[] SHORT = {12, 20, 15, 15, 28, 20, 15, 27, 11, 24};
    private static final Pattern EQUAL = Pattern.compile("(\\d{1,6})/(\\d{1,6})");
    /** Tokens that equal rows have together, in and out. */
    private static final int EQUAL_TOKENS = 500_000;

    /**
     * Finds a workload.
     *
     * @param rows   how many rows; 0 for the usual number
     * @param output new tokens of the rows of {@code seed}
     * @throws UsageException when there is none of that name
     */
    static Workload of(String name, int rows, int output) {
        Matcher equal = EQUAL.matcher(name);
        if (equal.matches() && !equal.group(1).matches("0+") && !equal.group(2).matches("0+")) {
            int in = Integer.parseInt(equal.group(1));
            int out = Integer.parseInt(equal.group(2));
            int usual = Math.max(100, Math.min(2000, EQUAL_TOKENS / (in + out)));
            return new Workload(name, rows == 0 ? usual : rows, 0, row -> in, row -> out);
        }
        return switch (name) {
            case "seed" -> new Workload(name, rows == 0 ? 100 : rows, 0, row -> SHORT[row % SHORT.length],
                    row -> output);
            // lengths as in public chat logs
            case "mixed" -> new Workload(name, rows == 0 ? 1000 : rows, 0, row -> logNormal(row, 100, 1, 2000),
                    row -> logNormal(-1 - row, 150, 0.8, 1000));
            case "prefix" -> new Workload(name, rows == 0 ? 1000 : rows, 1000, row -> 1030, row -> 50);
            // the long one comes when the others are under way
            case "documents" -> new Workload(name, rows == 0 ? 501 : rows, 0, row -> row == 250 ? 7872 : 128,
                    row -> 128);
            default -> throw new UsageException("there is no workload " + name + ": there are " + NAMES);
        };
    }

    private static int logNormal(int row, double median, double sigma, int most) {
        double length = median * Math.exp(sigma * new Random(row * 7919L + 17).nextGaussian());
        return (int) Math.max(1, Math.min(most, Math.round(length)));
    }

    /** The rows; those of one run have nothing in common with those of another. */
    List<Request> requests(int run, int vocabulary) {
        SplittableRandom random = new SplittableRandom(run);
        int[] beginning = random.ints(common, 0, vocabulary).toArray();
        List<Request> requests = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int[] ids = random.ints(prompt.applyAsInt(row), 0, vocabulary).toArray();
            System.arraycopy(beginning, 0, ids, 0, common);
            requests.add(new Request(row, 0, ids, SamplingParams.greedy(output.applyAsInt(row), List.of())));
        }
        return requests;
    }
}
