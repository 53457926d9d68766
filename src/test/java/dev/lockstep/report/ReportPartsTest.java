package dev.lockstep.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.results.Histogram;

import static org.assertj.core.api.Assertions.assertThat;

/** What a report page is made of. */
class ReportPartsTest {
    @Test
    void histogram_ofManyNumbers_countsAsCountingByHandDoes() {
        Histogram histogram = new Histogram();
        assertThat(histogram.counts()).isEmpty();
        int[] values = new Random(3).ints(20_000, 0, 1001).toArray();
        for (int value : values) {
            histogram.add(value);
        }
        assertThat(histogram.width()).isEqualTo(32);
        long[] counts = histogram.counts();
        assertThat(counts).hasSize(32);
        for (int bin = 0; bin < counts.length; bin++) {
            int low = bin * 32;
            assertThat(counts[bin]).isEqualTo(IntStream.of(values).filter(v -> v >= low && v < low + 32).count());
        }
    }

    @Test
    void histogram_ofTheLargestNumber_holdsIt() {
        Histogram histogram = new Histogram();
        histogram.add(0);
        histogram.add(Integer.MAX_VALUE);
        long[] counts = histogram.counts();
        assertThat(counts.length).isLessThanOrEqualTo(Histogram.BINS);
        assertThat(counts[0]).isOne();
        assertThat(counts[counts.length - 1]).isOne();
    }

    @Test
    void slowest_ofManyRows_areTheTwentyThatTookLongest() {
        SlowSample.Slowest slowest = new SlowSample.Slowest();
        List<Double> seconds = new ArrayList<>(new Random(4).doubles(10_000, 0, 60).boxed().toList());
        for (int i = 0; i < seconds.size(); i++) {
            slowest.add(new Prompt(i, "id" + i, "In the\n beginning", SamplingOverrides.NONE, null),
                    new Completion(i, 0, new int[3], "", 5, FinishReason.EOS, null, null), 2, seconds.get(i));
        }
        List<Double> sorted = seconds.stream().sorted((a, b) -> Double.compare(b, a)).limit(20).toList();
        assertThat(slowest.rows()).extracting(SlowSample::seconds).isEqualTo(sorted);
        int first = seconds.indexOf(sorted.get(0));
        assertThat(slowest.rows().get(0)).isEqualTo(new SlowSample(first, "id" + first, 0, 2, "In the beginning", 5, 3,
                sorted.get(0), FinishReason.EOS));
    }

    @Test
    void slowest_longPrompt_isCutBetweenCharacters() {
        SlowSample.Slowest slowest = new SlowSample.Slowest();
        slowest.add(new Prompt(0, "0", "😀".repeat(100_000), SamplingOverrides.NONE, null),
                new Completion(0, 0, new int[1], "", 1, FinishReason.EOS, null, null), 0, 1);
        assertThat(slowest.rows().get(0).prompt()).isEqualTo("😀".repeat(160) + "…");
    }

    @ParameterizedTest
    @CsvSource({"0.05, 0.01", "0.4, 0.1", "3, 0.5", "7, 2", "25, 5", "55, 10", "100, 30", "400, 120", "3600, 600",
            "20000, 3600", "400000, 86400", "4000000, 1000000"})
    void timeStep_isWhatAClockHas(double seconds, double step) {
        assertThat(SvgPlot.timeStep(seconds)).isEqualTo(step);
        assertThat(SvgPlot.ticks(0, seconds, step)).hasSizeBetween(3, 7);
    }

    @ParameterizedTest
    @CsvSource({"0.25, 0.05, 0.25 s", "-1.5, 0.5, −1.5 s", "12, 2, 12 s", "100, 20, 100 s", "210, 30, 3:30",
            "3900, 600, 1:05:00", "-60, 60, −1:00", "0, 0.01, 0.00 s"})
    void time_isShownAsItsAxisNeeds(double seconds, double step, String shown) {
        assertThat(SvgPlot.time(seconds, step)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({"12345, '12,345'", "99.95, 100.0", "12.34, 12.3", "0.123, 0.12", "7, 7", "0, 0", "1234.5, '1,235'"})
    void number_isShort(double value, String shown) {
        assertThat(SvgPlot.number(value)).isEqualTo(shown);
    }

    @Test
    void band_joinsEqualStepsAndLeavesEmptyOnesOut() {
        assertThat(SvgPlot.band(new double[]{0, 0, 10, 0}, new double[]{50, 50, 30, 0}, 100))
                .isEqualTo("M0 100H2v-50H0zM2 90H3v-20H2z");
    }

    @Test
    void escape_whateverThereIs_isTextInAPage() {
        assertThat(HtmlText.escape("<b a='1' c=\"2\">&amp;</b>\u0000\u001b 😀\ud800"))
                .isEqualTo("&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt;\ufffd\ufffd 😀\ufffd");
    }
}
