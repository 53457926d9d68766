package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class CascadeTest {
    private static final int PAGE = 16;

    /** Prompts of random trees: every token that is attended to elsewhere is, once, by a part that is the slot's alone. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void update_randomPrompts_coverEachSlotsBeginningOnce(int seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            int slots = 1 + random.nextInt(70);
            KvPages pages = new KvPages(slots, slots * 80, PAGE);
            Cascade cascade = new Cascade(slots, PAGE,
                    new Cascade.Shape(1 + random.nextInt(40), 1 + random.nextInt(60), 0));
            List<int[]> prompts = new ArrayList<>();
            for (int slot = 0; slot < slots; slot++) {
                int[] parent = prompts.isEmpty() ? new int[0] : prompts.get(random.nextInt(prompts.size()));
                int kept = random.nextInt(4) == 0 ? parent.length : random.nextInt(parent.length + 1);
                int[] prompt = Arrays.copyOf(parent, Math.min(kept + 1 + random.nextInt(300), 79 * PAGE));
                for (int i = Math.min(kept, prompt.length - 1); i < prompt.length; i++) {
                    prompt[i] = 1 + random.nextInt(1000);
                }
                prompts.add(prompt);
                put(pages, slot, prompt);
            }
            check(pages, cascade, slots);
            for (int i = 0; i < 5; i++) {
                int slot = random.nextInt(slots);
                pages.release(slot);
                if (random.nextBoolean()) {
                    put(pages, slot, prompts.get(random.nextInt(slots)));
                }
                check(pages, cascade, slots);
            }
        }
    }

    private static void put(KvPages pages, int slot, int[] prompt) {
        pages.extend(slot, pages.attach(slot, 0, prompt), prompt.length);
        pages.publish(slot, 0, prompt, prompt.length);
    }

    private static void check(KvPages pages, Cascade cascade, int slots) {
        cascade.update(pages);
        if (cascade.items() == 0) {
            return;
        }
        long[] numbers = cascade.numbers();
        assertThat(numbers.length).isLessThanOrEqualTo(cascade.size());
        Set<Long> parts = new HashSet<>();
        long[] covered = new long[slots];
        int[] seen = new int[slots];
        for (int item = 0; item < cascade.items(); item++) {
            int at = cascade.itemsFrom() + 6 * item;
            long begin = numbers[at + 2];
            long end = numbers[at + 3];
            List<Integer> first = null;
            for (int i = 0; i < numbers[at + 1]; i++) {
                int slot = (int) numbers[cascade.rowsFrom() + (int) numbers[at] + i];
                long part = numbers[at + 4] + i;
                assertThat(parts.add(part)).as("part %d is one slot's", part).isTrue();
                assertThat(part).isLessThan(cascade.parts());
                assertThat(part).as("the part where the slot looks for it")
                        .isEqualTo(numbers[4 * slot + 2] + seen[slot] * numbers[4 * slot + 3]);
                assertThat(begin).as("slot %d goes on where it was", slot).isEqualTo(covered[slot]);
                assertThat(end).isGreaterThan(begin);
                covered[slot] = end;
                seen[slot]++;
                List<Integer> own = pages.of(slot, 0).subList((int) begin / PAGE, (int) end / PAGE);
                first = first == null ? own : first;
                assertThat(own).as("pages of the item's slots").isEqualTo(first);
            }
        }
        for (int slot = 0; slot < slots; slot++) {
            assertThat(numbers[4 * slot]).as("tokens of slot %d", slot).isEqualTo(covered[slot]);
            assertThat(numbers[4 * slot + 1]).as("parts of slot %d", slot).isEqualTo(seen[slot]);
        }
    }

    /** Against all ways to cut nested beginnings into groups. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void groups_fewSlots_leaveTheFewestPagesToBeRead(int seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            List<List<Integer>> beginnings = new ArrayList<>();
            int slots = 2 + random.nextInt(6);
            int page = 1;
            for (int slot = 0; slot < slots; slot++) {
                List<Integer> parent = beginnings.isEmpty() ? List.of() : beginnings.get(random.nextInt(slot));
                List<Integer> own = new ArrayList<>(parent.subList(0, random.nextInt(parent.size() + 1)));
                for (int i = random.nextInt(4); i > 0; i--) {
                    own.add(page++);
                }
                beginnings.add(own);
            }
            long saved = Cascade.groups(beginnings).stream().mapToLong(Cascade.Group::saved).sum();
            assertThat(saved).as("%s", beginnings)
                    .isEqualTo(best(beginnings, IntStream.range(0, slots).boxed().toList()));
        }
    }

    /** The first slot is alone, or with some of the others. */
    private static long best(List<List<Integer>> beginnings, List<Integer> slots) {
        if (slots.size() < 2) {
            return 0;
        }
        long best = 0;
        List<Integer> others = slots.subList(1, slots.size());
        for (int with = 0; with < 1 << others.size(); with++) {
            List<Integer> group = new ArrayList<>(slots.subList(0, 1));
            List<Integer> left = new ArrayList<>();
            for (int i = 0; i < others.size(); i++) {
                ((with >> i & 1) == 1 ? group : left).add(others.get(i));
            }
            int alike = 0;
            while (alike < beginnings.get(slots.get(0)).size() && hasAll(beginnings, group, alike)) {
                alike++;
            }
            best = Math.max(best, (group.size() - 1L) * alike + best(beginnings, left));
        }
        return best;
    }

    private static boolean hasAll(List<List<Integer>> beginnings, List<Integer> group, int place) {
        Integer page = beginnings.get(group.get(0)).get(place);
        return group.stream().map(beginnings::get).allMatch(own -> own.size() > place && own.get(place).equals(page));
    }

    @Test
    void update_littleThatIsShared_isNotWorthIt() {
        KvPages pages = new KvPages(3, 100, PAGE);
        int[] prompt = new int[200];
        for (int slot = 0; slot < 3; slot++) {
            put(pages, slot, prompt);
        }
        Cascade little = new Cascade(3, PAGE, new Cascade.Shape(8, 16, 2 * 192));
        Cascade less = new Cascade(3, PAGE, new Cascade.Shape(8, 16, 2 * 192 + 1));

        assertThat(little.update(pages)).isTrue();
        assertThat(little.items()).isPositive();
        assertThat(little.update(pages)).as("nothing has changed").isFalse();
        assertThat(less.update(pages)).isFalse();
        assertThat(less.items()).isZero();
        pages.release(1);
        assertThat(little.update(pages)).as("too little is left").isFalse();
        assertThat(little.items()).isZero();
    }
}
