package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Tokens that rows will probably choose next, which a step computes beside their last ones: what a row chooses after a drafted
 * token counts if the row has chosen all of the drafted ones up to it (Leviathan et al. 2023, fast inference from
 * transformers via speculative decoding; here the row's own choice decides, drawn with the number of its place, so its text is
 * what it would be).
 *
 * @param byRow of each row the tokens, in order; may be none
 */
public record Drafts(List<int[]> byRow) {
    /** Tokens of all rows. */
    public int count() {
        return byRow.stream().mapToInt(draft -> draft.length).sum();
    }

    /** Tokens of the row that has most. */
    public int longest() {
        return byRow.stream().mapToInt(draft -> draft.length).max().orElse(0);
    }

    /** Of each token, its row. */
    long[] sources() {
        return IntStream.range(0, byRow.size())
                .flatMap(row -> IntStream.generate(() -> row).limit(byRow.get(row).length)).asLongStream().toArray();
    }

    /** How far each token is ahead of its row's last one. */
    long[] ahead() {
        return byRow.stream().flatMapToLong(draft -> LongStream.rangeClosed(1, draft.length)).toArray();
    }

    long[] tokens() {
        return byRow.stream().flatMapToInt(Arrays::stream).asLongStream().toArray();
    }

    /**
     * What rows go on with.
     *
     * @param chosen by the slots of the rows, and then of the drafted tokens
     */
    List<NextTokens> chosen(int[] chosen) {
        int[] first = new int[byRow.size()];
        int slot = byRow.size();
        for (int row = 0; row < first.length; row++) {
            first[row] = slot;
            slot += byRow.get(row).length;
        }
        return IntStream.range(0, first.length).mapToObj(row -> {
            int[] draft = byRow.get(row);
            int right = 0;
            int next = chosen[row];
            while (right < draft.length && draft[right] == next) {
                next = chosen[first[row] + right];
                right++;
            }
            int[] slots = IntStream.concat(IntStream.of(row), IntStream.range(first[row], first[row] + right))
                    .toArray();
            return new NextTokens(Arrays.stream(slots).map(each -> chosen[each]).toArray(), slots);
        }).toList();
    }
}
