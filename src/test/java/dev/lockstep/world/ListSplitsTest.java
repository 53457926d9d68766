package dev.lockstep.world;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ListSplitsTest {
    private static List<Integer> items(int n) {
        return IntStream.range(0, n).boxed().toList();
    }

    private static List<Integer> together(int size, IntFunction<List<Integer>> share) {
        List<Integer> all = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            all.addAll(share.apply(rank));
        }
        return all;
    }

    @Test
    void padded_isAsLongOnEveryRank_andThePaddingIsAtTheEnd() {
        for (int size = 1; size <= 5; size++) {
            for (int n = 0; n <= 12; n++) {
                int ranks = size;
                List<Integer> items = items(n);
                List<Integer> all = together(size, rank -> ListSplits.padded(items, rank, ranks));
                assertThat(all).hasSize((n + size - 1) / size * size);
                assertThat(all.subList(0, n)).isEqualTo(items);
                assertThat(all.subList(n, all.size())).allMatch(item -> item == items.size() - 1);
                int each = all.size() / size;
                for (int rank = 0; rank < size; rank++) {
                    assertThat(ListSplits.padded(items, rank, ranks).start()).isEqualTo(rank * each);
                }
            }
        }
    }

    @Test
    void block_andByWeight_knowWhereTheyBegin() {
        assertThat(ListSplits.block(items(7), 1, 3).start()).isEqualTo(3);
        assertThat(ListSplits.block(items(1), 2, 3).start()).isEqualTo(1);
        assertThat(ListSplits.byWeight(List.of(8, 1, 1, 6), w -> w, 1, 2).start()).isEqualTo(1);
        // of ranks of a group that have split their own group's share
        assertThat(ListSplits.block(ListSplits.block(items(10), 1, 2), 1, 2).start()).isEqualTo(8);
    }

    @Test
    void roundRobin_dealsEveryItemOnce() {
        assertThat(ListSplits.roundRobin(items(7), 0, 3)).containsExactly(0, 3, 6);
        assertThat(ListSplits.roundRobin(items(7), 2, 3)).containsExactly(2, 5);
        assertThat(ListSplits.roundRobin(items(2), 2, 3)).isEmpty();
        assertThat(together(4, rank -> ListSplits.roundRobin(items(11), rank, 4)))
                .containsExactlyInAnyOrderElementsOf(items(11));
    }

    @Test
    void byWeight_keepsTheOrderAndEvensTheSums() {
        List<Integer> weights = List.of(8, 1, 1, 1, 1, 4, 4, 4);
        assertThat(together(3, rank -> ListSplits.byWeight(weights, w -> w, rank, 3))).isEqualTo(weights);
        assertThat(ListSplits.byWeight(weights, w -> w, 0, 3)).containsExactly(8);
        assertThat(ListSplits.byWeight(weights, w -> w, 1, 3)).containsExactly(1, 1, 1, 1, 4);
        assertThat(ListSplits.byWeight(weights, w -> w, 2, 3)).containsExactly(4, 4);
        assertThat(ListSplits.byWeight(items(5), w -> 0, 1, 2)).isEqualTo(ListSplits.block(items(5), 1, 2));
        assertThatThrownBy(() -> ListSplits.byWeight(items(2), w -> Double.NaN, 0, 2))
                .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("an item has the weight NaN");
    }
}
