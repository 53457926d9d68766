package dev.lockstep.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.IntBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/**
 * The precompiled_charsmap of a SentencePiece normalizer: the length of a trie in bytes, the trie, and texts to which its
 * values point. The trie is a double array (Aoe 1989) of 32-bit units as Darts-clone lays them out; whoever walks it looks
 * at no bounds, so it is walked here first.
 */
final class PrecompiledCharsMap {
    private static final int BYTES = 256;
    private static final int LEAF = 1 << 8;
    private static final int WIDE = 1 << 9;
    private static final int VALUE = Integer.MAX_VALUE;

    private final IntBuffer units;
    private final byte[] texts;

    private PrecompiledCharsMap(IntBuffer units, byte[] texts) {
        this.units = units;
        this.texts = texts;
    }

    /** Whether every walk through it stays within it, and comes to texts that are texts. */
    static boolean isWhole(String base64) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
            int trie = bytes.remaining() < Integer.BYTES ? 0 : bytes.getInt();
            if (trie < Integer.BYTES || trie > bytes.remaining()) {
                return false;
            }
            IntBuffer units = bytes.slice(bytes.position(), trie / Integer.BYTES * Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
            byte[] texts = new byte[bytes.remaining() - trie];
            bytes.position(bytes.position() + trie).get(texts);
            CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
            return decoded.length() <= texts.length && new PrecompiledCharsMap(units, texts).isClosed();
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return false;
        }
    }

    private boolean isClosed() {
        BitSet seen = new BitSet(units.limit());
        Deque<Integer> bases = new ArrayDeque<>();
        bases.add(offset(units.get(0)));
        while (!bases.isEmpty()) {
            int base = bases.remove();
            // whatever byte comes next is looked up before anything is known of it
            if ((base | BYTES - 1) >= units.limit()) {
                return false;
            }
            if (seen.get(base)) {
                continue;
            }
            seen.set(base);
            for (int next = 1; next < BYTES; next++) {
                int at = base ^ next;
                int unit = units.get(at);
                if ((unit & (1 << 31 | BYTES - 1)) == next) {
                    int child = at ^ offset(unit);
                    if ((unit & LEAF) != 0 && (child >= units.limit() || !isText(units.get(child) & VALUE))) {
                        return false;
                    }
                    bases.add(child);
                }
            }
        }
        return true;
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & WIDE) >>> 6);
    }

    /** Whether a text begins there, not in the middle of a character. */
    private boolean isText(int at) {
        return at < texts.length ? (texts[at] & 0xc0) != 0x80 : at == texts.length;
    }
}
