package dev.lockstep.world.verbs;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BinomialTreeTest {
    @Test
    void tree_ofAnySizeAndRoot_reachesEveryRankOnceByItsParent() {
        for (int size = 1; size <= 33; size++) {
            for (int root = 0; root < size; root++) {
                Set<Integer> reached = new HashSet<>(Set.of(root));
                Deque<Integer> next = new ArrayDeque<>(Set.of(root));
                while (!next.isEmpty()) {
                    int rank = next.remove();
                    for (int child : new BinomialTree(rank, size, root).children()) {
                        assertThat(reached.add(child)).isTrue();
                        assertThat(new BinomialTree(child, size, root).parent()).isEqualTo(rank);
                        next.add(child);
                    }
                }
                assertThat(reached).hasSize(size);
            }
        }
    }
}
