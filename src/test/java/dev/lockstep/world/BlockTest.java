package dev.lockstep.world;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class BlockTest {
    @Test
    void of_coversAllItemsOnceInOrderAndEvenly() {
        for (int size = 1; size <= 8; size++) {
            for (int n = 0; n <= 50; n++) {
                int next = 0;
                for (int rank = 0; rank < size; rank++) {
                    Block block = Block.of(n, rank, size);
                    assertThat(block.start()).isEqualTo(next);
                    assertThat(block.length()).isEqualTo(n / size + (rank < n % size ? 1 : 0));
                    next = block.end();
                }
                assertThat(next).isEqualTo(n);
            }
        }
    }

    @Test
    void of_refusesWhatIsNoShare() {
        assertThatThrownBy(() -> Block.of(-1, 0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Block.of(3, 2, 2)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no share of 3 items for rank 2 of 2");
    }

    @Test
    void of_doesNotOverflow() {
        assertThat(Block.of(Integer.MAX_VALUE, 7, 8).end()).isEqualTo(Integer.MAX_VALUE);
    }
}
