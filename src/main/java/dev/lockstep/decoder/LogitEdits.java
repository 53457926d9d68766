package dev.lockstep.decoder;

import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/**
 * What the next choice does to one row's logits before all else: a bias is added to some tokens', then all but some
 * tokens are ruled out.
 *
 * @param tokens within the vocabulary, none of them twice
 * @param biases one for each of these; -infinity rules the token out
 * @param only   the tokens that are left, none of them twice; empty where all are
 */
public record LogitEdits(int[] tokens, double[] biases, int[] only) {
    /** Of a row without edits. */
    public static final LogitEdits NONE = new LogitEdits(new int[0], new double[0], new int[0]);

    /** Whether nothing is done. */
    public boolean isNone() {
        return tokens.length == 0 && only.length == 0;
    }

    /** As the program's {@code edit} takes them: rows, tokens and biases, then rows and tokens of those that are left. */
    static Object[] arguments(List<LogitEdits> byRow) {
        LongStream.Builder rows = LongStream.builder();
        LongStream.Builder tokens = LongStream.builder();
        DoubleStream.Builder biases = DoubleStream.builder();
        LongStream.Builder onlyRows = LongStream.builder();
        LongStream.Builder only = LongStream.builder();
        for (int row = 0; row < byRow.size(); row++) {
            LogitEdits edits = byRow.get(row);
            for (int i = 0; i < edits.tokens.length; i++) {
                rows.add(row);
                tokens.add(edits.tokens[i]);
                biases.add(edits.biases[i]);
            }
            for (int token : edits.only) {
                onlyRows.add(row);
                only.add(token);
            }
        }
        return new Object[]{rows.build().toArray(), tokens.build().toArray(), biases.build().toArray(),
                onlyRows.build().toArray(), only.build().toArray()};
    }
}
