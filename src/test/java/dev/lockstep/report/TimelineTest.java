package dev.lockstep.report;

import java.util.Random;

import org.junit.jupiter.api.Test;

import dev.lockstep.generate.Timing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class TimelineTest {
    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    @Test
    void advance_aShortRun_hasEachThingWhereItWas() {
        Timeline timeline = new Timeline();
        // in buckets of 1/1024 s: four of waiting, two of prefill, then one of something else and two of decoding
        double bucket = 1.0 / 1024;
        timeline.advance(6 * bucket, 3, new Timing(2 * bucket, 0, 4 * bucket, 0));
        timeline.advance(9 * bucket, 7, new Timing(2 * bucket, 2 * bucket, 4 * bucket, 1));
        Timeline.Buckets buckets = timeline.buckets();
        assertThat(buckets.width()).isEqualTo(bucket);
        float b = (float) bucket;
        assertThat(buckets.waiting()).containsExactly(b, b, b, b, 0, 0, 0, 0, 0);
        assertThat(buckets.prefill()).containsExactly(0, 0, 0, 0, b, b, 0, 0, 0);
        assertThat(buckets.decode()).containsExactly(0, 0, 0, 0, 0, 0, 0, b, b);
        assertThat(buckets.tokens()).containsExactly(0, 0, 0, 0, 1.5f, 1.5f, 0, 2, 2);
    }

    @Test
    void advance_aLongRun_losesNothingAndStaysSmall() {
        Timeline timeline = new Timeline();
        Random random = new Random(5);
        double now = 0;
        double prefill = 0;
        double decode = 0;
        double wait = 0;
        long tokens = 0;
        double tokensOfFirstHalf = 0;
        for (int step = 0; step < 400_000; step++) {
            double time = random.nextDouble() * 0.02;
            switch (random.nextInt(3)) {
                case 0 -> prefill += time;
                case 1 -> decode += time;
                default -> wait += time;
            }
            // and some of another kind
            now += time + random.nextDouble() * 0.001;
            tokens += random.nextInt(65);
            timeline.advance(now, tokens, new Timing(prefill, decode, wait, step));
            if (now <= 2048) {
                tokensOfFirstHalf = tokens;
            }
        }
        assertThat(now).isBetween(4100.0, 4300.0);
        Timeline.Buckets buckets = timeline.buckets();
        assertThat(buckets.width()).isEqualTo(32);
        assertThat(buckets.tokens()).hasSize((int) Math.ceil(now / 32)).hasSizeBetween(Timeline.BUCKETS / 2,
                Timeline.BUCKETS);
        assertThat(sum(buckets.tokens())).isCloseTo(tokens, within(tokens * 1e-5));
        assertThat(sum(buckets.prefill())).isCloseTo(prefill, within(0.01));
        assertThat(sum(buckets.decode())).isCloseTo(decode, within(0.01));
        assertThat(sum(buckets.waiting())).isCloseTo(wait, within(0.01));
        double first = 0;
        for (int i = 0; i < 64; i++) {
            first += buckets.tokens()[i];
        }
        assertThat(first).isCloseTo(tokensOfFirstHalf, within(100.0));
    }

    @Test
    void advance_aLongWait_isSpreadOverItsBuckets() {
        Timeline timeline = new Timeline();
        timeline.advance(100, 0, new Timing(0, 0, 99, 0));
        float[] waiting = timeline.buckets().waiting();
        assertThat(timeline.buckets().width()).isEqualTo(0.5);
        assertThat(waiting).hasSize(200);
        assertThat(waiting[1]).isZero();
        assertThat(waiting[2]).isEqualTo(0.5f);
        assertThat(waiting[199]).isEqualTo(0.5f);
    }

    @Test
    void advance_rowsThatBeginAgain_takeTheirTokensBack() {
        Timeline timeline = new Timeline();
        timeline.advance(0.01, 50, new Timing(0, 0.01, 0, 1));
        timeline.advance(0.02, 20, new Timing(0, 0.01, 0, 1));
        assertThat(sum(timeline.buckets().tokens())).isCloseTo(20, within(1e-4));
    }
}
