package dev.lockstep.journal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class SampleOffsetsTest {
    /** Every sample of every prompt, in an order in which the larger samples often come first. */
    private static void putAndGet(int prompts, int mostSamples, boolean shuffled) {
        Random random = new Random(mostSamples);
        int[] samples = random.ints(prompts, 1, mostSamples + 1).toArray();
        List<int[]> rows = new ArrayList<>();
        for (int prompt = 0; prompt < prompts; prompt++) {
            for (int sample = 0; sample < samples[prompt]; sample++) {
                rows.add(new int[]{prompt, sample});
            }
        }
        if (shuffled) {
            Collections.shuffle(rows, random);
        }
        SampleOffsets places = new SampleOffsets();
        for (int i = 0; i < rows.size(); i++) {
            int[] row = rows.get(i);
            assertThat(places.get(row[0], row[1])).as("before").isZero();
            places.put(row[0], row[1], i + 1L << 40);
        }
        for (int i = 0; i < rows.size(); i++) {
            assertThat(places.get(rows.get(i)[0], rows.get(i)[1])).isEqualTo(i + 1L << 40);
        }
        for (int prompt = 0; prompt < prompts; prompt++) {
            for (int sample = samples[prompt]; sample < 3 * mostSamples; sample++) {
                assertThat(places.get(prompt, sample)).isZero();
            }
        }
        assertThat(places.get(prompts, 0)).isZero();
    }

    @Test
    void get_whatWasPut_isThereAndNothingElseIs() {
        for (int most : new int[]{1, 2, 3, 5, 17}) {
            putAndGet(2000, most, false);
            putAndGet(2000, most, true);
        }
        putAndGet(3, 10_000, true);
    }

    @Test
    void put_again_replaces() {
        SampleOffsets places = new SampleOffsets();
        for (int sample : new int[]{0, 3, 0, 3}) {
            places.put(7, sample, 1 + places.get(7, sample));
        }
        assertThat(places.get(7, 0)).isEqualTo(2);
        assertThat(places.get(7, 3)).isEqualTo(2);
        assertThat(places.get(7, 1)).isZero();
    }
}
