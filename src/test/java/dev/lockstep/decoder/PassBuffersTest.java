package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.RepeatedTest;

import static org.assertj.core.api.Assertions.assertThat;

class PassBuffersTest {
    private static final int PART_ROWS = 128;
    private static final int WIDTHS = 8;
    private static final int ALIGNMENT = 256;

    /** From an address to before another. */
    private record Span(long from, long to) {}

    private final SplittableRandom random = new SplittableRandom();

    @RepeatedTest(20)
    void from_aRow_isBehindThoseBeforeItAndInsideWhatTheyHave() {
        int first = PART_ROWS * random.nextInt(1, 33);
        int rows = first + random.nextInt(1, 4096);
        long[] widths = random.ints(WIDTHS, 0, 5000).asLongStream().map(values -> 2 * values).toArray();
        PassBuffers.Layout layout = new PassBuffers.Layout(rows, widths[0], widths[1], widths[2], widths[3], widths[4],
                widths[5], widths[6], widths[7]);
        PassBuffers all = layout.at(ALIGNMENT * 1000L);
        PassBuffers rest = all.from(first, layout);
        List<Long> starts = addresses(all);
        List<Long> later = addresses(rest);
        List<Long> each = List.of(widths[0], widths[0], widths[1], widths[2], widths[3], widths[4], widths[5], 4L,
                widths[6]);
        List<Span> spans = new ArrayList<>();
        for (int i = 0; i < each.size(); i++) {
            assertThat(starts.get(i) % ALIGNMENT).isZero();
            // row by row, as attention finds both parts
            assertThat(later.get(i)).isEqualTo(starts.get(i) + first * each.get(i));
            spans.add(new Span(starts.get(i), later.get(i)));
            spans.add(new Span(later.get(i), later.get(i) + (rows - first) * each.get(i)));
        }
        spans.add(new Span(all.experts(), all.experts() + widths[7]));
        assertThat(rest.experts()).isEqualTo(all.experts());
        for (int i = 1; i < spans.size(); i++) {
            assertThat(spans.get(i).from).isGreaterThanOrEqualTo(spans.get(i - 1).to);
        }
        assertThat(spans.get(spans.size() - 1).to).isLessThanOrEqualTo(ALIGNMENT * 1000L + layout.bytes());
    }

    private static List<Long> addresses(PassBuffers in) {
        return List.of(in.x(), in.normed(), in.qkv(), in.attended(), in.gateUp(), in.activated(), in.quantized(),
                in.rowScales(), in.squares());
    }
}
