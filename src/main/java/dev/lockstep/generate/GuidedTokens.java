package dev.lockstep.generate;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.grammar.TextAutomaton;
import dev.lockstep.tokenizer.Tokenizer;

/**
 * The tokens with which a text may go on that is to be one of some choices or to fit a grammar, however texts are cut into tokens.
 * Not safe for use by several threads.
 */
final class GuidedTokens {
    /** States whose tokens are kept, each a bit for every token. */
    private static final int KEPT = 2048;
    /** So many tokens are worth a thread of their own. */
    private static final int PIECE = 8192;

    /** A state of a grammar, and what ends a text that may end there. */
    private record State(TextAutomaton grammar, int number, Set<Integer> ends) {}

    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final int piece;
    private final Map<State, long[]> masks = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<State, long[]> eldest) {
            return size() > KEPT;
        }
    };
    // by bytes, unsigned; and how many bytes each begins with as the one before it
    private int @Nullable [] sorted;
    private byte[][] bytes = {};
    private int[] alike = {};
    private int longest;

    /** @param vocabulary tokens of the model */
    GuidedTokens(Tokenizer tokenizer, int vocabulary) {
        this(tokenizer, vocabulary, PIECE);
    }

    /** @param piece so many tokens are looked at by one thread */
    GuidedTokens(Tokenizer tokenizer, int vocabulary, int piece) {
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.piece = piece;
    }

    /** Whether texts are what the bytes of their tokens make. */
    boolean isPossible() {
        return tokenizer.isByteLevel();
    }

    ChoiceTokens choices(List<String> choices, Set<Integer> ends) {
        return new ChoiceTokens(choices, tokenizer, ends, vocabulary);
    }

    /** Where a text leads to in its grammar. */
    int state(TextAutomaton grammar, int from, int token) {
        return grammar.run(from, tokenizer.bytes(token));
    }

    /**
     * The tokens that a text may go on with; a bit for each, from the lowest of the first on. The same array for the same state,
     * as long as there are not many others; it must not be changed.
     *
     * @param ends the row's end tokens
     */
    long[] mask(TextAutomaton grammar, int state, Set<Integer> ends) {
        return masks.computeIfAbsent(new State(grammar, state, ends), this::compute);
    }

    private long[] compute(State state) {
        long[] mask = new long[(vocabulary + Long.SIZE - 1) / Long.SIZE];
        if (state.number == TextAutomaton.NOWHERE) {
            return mask;
        }
        int[] order = sorted();
        int pieces = (order.length + piece - 1) / piece;
        // GPUs wait for it
        long[][] parts = IntStream.range(0, pieces).parallel().mapToObj(
                part -> walk(state, order, part * piece, Math.min(order.length, (part + 1) * piece), mask.length))
                .toArray(long[][]::new);
        for (long[] part : parts) {
            for (int i = 0; i < mask.length; i++) {
                mask[i] |= part[i];
            }
        }
        // whatever their texts are
        boolean mayEnd = state.grammar.isEnd(state.number);
        for (int end : state.ends) {
            if (end < vocabulary) {
                long bit = 1L << end % Long.SIZE;
                mask[end / Long.SIZE] = mayEnd ? mask[end / Long.SIZE] | bit : mask[end / Long.SIZE] & ~bit;
            }
        }
        return mask;
    }

    /** Those of some of the tokens, by the order of their bytes, whose bytes lead somewhere; a bit for each. */
    private long[] walk(State state, int[] order, int from, int to, int words) {
        long[] mask = new long[words];
        // where the first bytes of the token before lead to
        int[] path = new int[longest + 1];
        path[0] = state.number;
        int alive = 0;
        for (int i = from; i < to; i++) {
            byte[] text = bytes[i];
            int known = i == from ? 0 : alike[i];
            if (known > alive) {
                continue; // it begins with what leads nowhere
            }
            int at = known;
            while (at < text.length) {
                int next = state.grammar.step(path[at], text[at] & 0xff);
                if (next == TextAutomaton.NOWHERE) {
                    break;
                }
                path[++at] = next;
            }
            alive = at;
            if (at == text.length) {
                mask[order[i] / Long.SIZE] |= 1L << order[i] % Long.SIZE;
            }
        }
        return mask;
    }

    /** The tokens that stand for bytes and nothing else. */
    private int[] sorted() {
        int[] known = sorted;
        if (known == null) {
            byte[][] all = IntStream.range(0, vocabulary).mapToObj(tokenizer::bytes).toArray(byte[][]::new);
            known = IntStream.range(0, vocabulary).filter(token -> all[token].length > 0 && tokenizer.isOfBytes(token))
                    .boxed().sorted((a, b) -> Arrays.compareUnsigned(all[a], all[b])).mapToInt(token -> token)
                    .toArray();
            bytes = Arrays.stream(known).mapToObj(token -> all[token]).toArray(byte[][]::new);
            longest = Arrays.stream(bytes).mapToInt(each -> each.length).max().orElse(0);
            alike = new int[known.length];
            for (int i = 1; i < known.length; i++) {
                int first = Arrays.mismatch(bytes[i - 1], bytes[i]);
                alike[i] = first < 0 ? bytes[i].length : first;
            }
            sorted = known;
        }
        return known;
    }
}
