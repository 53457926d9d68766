package dev.lockstep.prompts;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Against a plain account that compares every row with every other, byte by byte. */
class BeginningsTest {
    /** The first has 80 bytes, none more than 65,536, each is a quarter longer than the one before, in whole eights. */
    private static final List<Integer> LENGTHS = lengths();

    private static final List<String> LETTERS = List.of("a", "\u00e9", "\uD83D\uDE00");

    private static List<Integer> lengths() {
        List<Integer> lengths = new ArrayList<>();
        for (int length = 80; length <= 65_536; length += length / 32 * 8) {
            lengths.add(length);
        }
        return lengths;
    }

    private static RowOrder order(List<String> texts, int mostMarks) {
        Beginnings beginnings = new Beginnings(mostMarks);
        texts.forEach(beginnings::add);
        return beginnings.order();
    }

    private static List<Integer> rows(RowOrder order) {
        return IntStream.range(0, order.size()).map(order::row).boxed().toList();
    }

    /** The rows whose first bytes, as many as make so many beginnings, are those of this one; at level 0 all. */
    private static List<Integer> alike(List<String> texts, int row, int level) {
        byte[] bytes = texts.get(row).getBytes(StandardCharsets.UTF_8);
        int length = level == 0 ? 0 : LENGTHS.get(level - 1);
        return IntStream.range(0, texts.size()).filter(
                other -> other == row || length <= bytes.length && startsWith(texts.get(other), bytes, length)).boxed()
                .toList();
    }

    private static boolean startsWith(String text, byte[] bytes, int length) {
        byte[] other = text.getBytes(StandardCharsets.UTF_8);
        return length <= other.length && Arrays.equals(other, 0, length, bytes, 0, length);
    }

    /** At the first beginning in which two rows differ, those go first of which one stands first. */
    private static Comparator<Integer> plainOrder(List<String> texts) {
        return (a, b) -> {
            for (int level = 1; level <= LENGTHS.size() && !a.equals(b); level++) {
                List<Integer> likeA = alike(texts, a, level);
                if (!likeA.contains(b)) {
                    return Integer.compare(likeA.get(0), alike(texts, b, level).get(0));
                }
            }
            return Integer.compare(a, b);
        };
    }

    /** Blocks of a small alphabet, long enough for some to make a beginning, and short texts between them. */
    private static List<String> texts(Random random) {
        int letters = 1 + random.nextInt(LETTERS.size());
        int most = 1 + random.nextInt(9);
        int block = 15 + random.nextInt(60);
        List<String> texts = new ArrayList<>();
        for (int row = random.nextInt(40); row >= 0; row--) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(most); i >= 0; i--) {
                text.append(LETTERS.get(random.nextInt(letters)).repeat(block));
            }
            text.setLength(Math.max(0, text.length() - random.nextInt(3)));
            texts.add(text.toString());
        }
        return texts;
    }

    @Test
    void order_randomTexts_isThatOfThePlainAccount() {
        int reordered = 0;
        for (int seed = 0; seed < 600; seed++) {
            List<String> texts = texts(new Random(seed));
            RowOrder order = order(texts, Integer.MAX_VALUE);
            List<Integer> plain = IntStream.range(0, texts.size()).boxed().sorted(plainOrder(texts)).toList();
            assertThat(rows(order)).as("seed %d", seed).isEqualTo(plain);
            for (int row = 0; row < texts.size(); row++) {
                assertThat(order.isGrouped(row)).as("seed %d, row %d", seed, row)
                        .isEqualTo(alike(texts, row, 1).size() > 1);
            }
            reordered += order.isAsTheyStand() ? 0 : 1;
        }
        assertThat(reordered).isGreaterThan(300);
    }

    /** The largest that is small enough of the groups that a row is in, or the row alone. */
    private static List<Integer> plainPiece(List<String> texts, int row, int most) {
        for (int level = 1; level <= LENGTHS.size(); level++) {
            List<Integer> group = alike(texts, row, level);
            if (group.size() <= most) {
                return group;
            }
        }
        return List.of(row);
    }

    private static TreeSet<TreeSet<Integer>> sets() {
        return new TreeSet<>(Comparator.comparing(TreeSet::toString));
    }

    @Test
    void pieces_ofRandomTexts_areTheLargestGroupsThatAreSmallEnough() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            List<String> texts = texts(random);
            RowOrder order = order(texts, Integer.MAX_VALUE);
            int most = 1 + random.nextInt(texts.size());
            assertThat(cut(order, most)).as("seed %d, at most %d of %d", seed, most, texts.size())
                    .isEqualTo(plainPieces(texts, most));
        }
    }

    private static TreeSet<TreeSet<Integer>> cut(RowOrder order, int most) {
        BitSet starts = order.pieces(most);
        TreeSet<TreeSet<Integer>> pieces = sets();
        for (int from = 0; from < order.size();) {
            assertThat(starts.get(from)).isTrue();
            int end = starts.nextSetBit(from + 1);
            int to = end < 0 ? order.size() : end;
            pieces.add(new TreeSet<>(IntStream.range(from, to).map(order::row).boxed().toList()));
            from = to;
        }
        return pieces;
    }

    private static TreeSet<TreeSet<Integer>> plainPieces(List<String> texts, int most) {
        TreeSet<TreeSet<Integer>> plain = sets();
        for (int row = 0; row < texts.size(); row++) {
            plain.add(new TreeSet<>(plainPiece(texts, row, most)));
        }
        return plain;
    }
    @Test
    void block_ofRandomTexts_isTheSameOrderAndPiecesOfItsOwn() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            List<String> texts = texts(random);
            int from = random.nextInt(texts.size());
            int to = from + random.nextInt(texts.size() - from + 1);
            RowOrder order = order(texts, Integer.MAX_VALUE);
            RowOrder block = order.block(from, to);
            assertThat(rows(block)).as("seed %d", seed)
                    .isEqualTo(rows(order).stream().filter(row -> row >= from && row < to).toList());
            int most = 1 + random.nextInt(texts.size());
            TreeSet<TreeSet<Integer>> plain = sets();
            plainPieces(texts.subList(from, to), most)
                    .forEach(piece -> plain.add(new TreeSet<>(piece.stream().map(row -> from + row).toList())));
            assertThat(cut(block, most)).as("seed %d", seed).isEqualTo(plain);
        }
    }

    /** Of rows beyond those that all hashes are kept of, the first beginning still counts. */
    @Test
    void order_fewHashes_isThatOfTheFirstBeginnings() {
        for (int seed = 0; seed < 300; seed++) {
            List<String> texts = texts(new Random(seed));
            List<Integer> plain = IntStream.range(0, texts.size()).boxed().sorted(Comparator
                    .comparing((Integer row) -> alike(texts, row, 1).get(0)).thenComparing(row -> row)).toList();
            assertThat(rows(order(texts, 0))).as("seed %d", seed).isEqualTo(plain);
        }
    }
}
