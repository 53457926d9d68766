package dev.lockstep.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PrecompiledCharsMapTest {
    private static final int UNITS = 512;
    private static final int LEAF = 1 << 8;
    private static final byte[] TEXTS = "b\0\u00e9\0".getBytes(StandardCharsets.UTF_8);

    /** A trie that has the key "a" alone, which leads to the first text: root at 0, its children at 256 ^ byte. */
    private static String map(Consumer<int[]> damage) {
        int[] units = new int[UNITS];
        units[0] = 256 << 10;
        units[256 ^ 'a'] = 'a' | LEAF | (256 ^ 'a' ^ 300) << 10;
        units[300] = 1 << 31;
        damage.accept(units);
        ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * UNITS + TEXTS.length).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(4 * UNITS);
        for (int unit : units) {
            bytes.putInt(unit);
        }
        return Base64.getEncoder().encodeToString(bytes.put(TEXTS).array());
    }

    @Test
    void isWhole_trieThatLeadsToTexts_is() {
        assertThat(PrecompiledCharsMap.isWhole(map(units -> {
        }))).isTrue();
        assertThat(PrecompiledCharsMap.isWhole(map(units -> units[300] = 1 << 31 | 2))).isTrue();
    }

    @Test
    void isWhole_walkThatLeavesTheTrieOrEndsWithinACharacter_isNot() {
        assertThat(PrecompiledCharsMap.isWhole(map(units -> units[0] = 512 << 10))).isFalse();
        assertThat(PrecompiledCharsMap.isWhole(map(units -> units[256 ^ 'a'] = 'a' | 5000 << 10))).isFalse();
        assertThat(PrecompiledCharsMap.isWhole(map(units -> units[300] = 1 << 31 | 3))).isFalse();
        assertThat(PrecompiledCharsMap.isWhole(map(units -> units[300] = 1 << 31 | 99))).isFalse();
        assertThat(PrecompiledCharsMap.isWhole("")).isFalse();
        assertThat(PrecompiledCharsMap.isWhole("AAAA")).isFalse();
    }
}
