package dev.lockstep.decoder.sampling;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * In which column of a slot's settings each of them stands, for {@code sampling.torchscript} as for
 * {@code kernels/sample.cu}: the number is the constant's place here. End tokens follow the last of the integers.
 */
public final class SamplingColumns {
    /** Of {@code sampling_floats}, float32. */
    public enum Floats {
        /** Not 0, by which a greedy row would divide. */
        TEMPERATURE(row -> row.greedy() ? 1 : row.temperature()),
        /** The next are as {@link RowSampling} has them. */
        TOP_P(RowSampling::topP), MIN_P(RowSampling::minP), REPETITION_PENALTY(
                RowSampling::repetitionPenalty),
        PRESENCE_PENALTY(
                RowSampling::presencePenalty),
        FREQUENCY_PENALTY(RowSampling::frequencyPenalty), PROMPT_PENALTY(
                row -> row.refinements().promptPenalty()),
        /** None without end tokens, in whose place any token may stand. */
        DECAY_FACTOR(row -> row.endTokens().length == 0 ? 1 : row.refinements().decayFactor()),
        /** The last are as {@link SamplingRefinements} has them. */
        TYPICAL_P(row -> row.refinements().typicalP()), EPSILON_CUTOFF(
                row -> row.refinements().epsilonCutoff()),
        ETA_CUTOFF(row -> row.refinements().etaCutoff());

        private final ToDoubleFunction<RowSampling> value;

        Floats(ToDoubleFunction<RowSampling> value) {
            this.value = value;
        }
    }

    /** Of {@code sampling_ints}, int64. */
    public enum Ints {
        /** 1 for the likeliest token, 0 for a draw. */
        GREEDY(row -> row.greedy() ? 1 : 0),
        /** 0 keeps all. */
        TOP_K(RowSampling::topK),
        /** None without end tokens, in whose place any token may stand. */
        MIN_NEW_TOKENS(row -> row.endTokens().length == 0 ? 0 : row.minNewTokens()),
        /** All 64 bits of it. */
        RANDOM_KEY(RowSampling::randomKey),
        /** New tokens after which end tokens begin to gain. */
        DECAY_START(row -> row.refinements().decayStart());

        private final ToLongFunction<RowSampling> value;

        Ints(ToLongFunction<RowSampling> value) {
            this.value = value;
        }
    }

    private SamplingColumns() {}

    /** Rows' values of {@link Floats}, row by row. */
    public static double[] floats(List<RowSampling> rows) {
        return rows.stream().flatMapToDouble(
                row -> Arrays.stream(Floats.values()).mapToDouble(column -> column.value.applyAsDouble(row)))
                .toArray();
    }

    /**
     * Row by row, with the row's end tokens, or, where it has none, with one that nothing is done to; where others have more of
     * them, the last again.
     */
    public static long[] ints(List<RowSampling> rows) {
        int most = Math.max(1, rows.stream().mapToInt(row -> row.endTokens().length).max().orElse(0));
        return rows.stream().flatMapToLong(row -> {
            int[] ends = row.endTokens().length == 0 ? new int[1] : row.endTokens();
            return LongStream.concat(Arrays.stream(Ints.values()).mapToLong(column -> column.value.applyAsLong(row)),
                    IntStream.range(0, most).mapToLong(i -> ends[Math.min(i, ends.length - 1)]));
        }).toArray();
    }

    /** As macros for a kernel: the number of each column, and of columns. */
    public static List<String> definitions() {
        Stream<Enum<?>> columns = Stream.concat(Arrays.stream(Floats.values()), Arrays.stream(Ints.values()));
        return Stream.concat(columns.map(column -> column.name() + "=" + column.ordinal()),
                Stream.of("SAMPLING_FLOATS=" + Floats.values().length, "SAMPLING_INTS=" + Ints.values().length))
                .toList();
    }
}
