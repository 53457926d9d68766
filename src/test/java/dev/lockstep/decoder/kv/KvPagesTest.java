package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KvPagesTest {
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    @Test
    void attach_promptThatBeginsAlike_hasTheSamePagesUpToTheLastWholeOne() {
        KvPages pages = new KvPages(3, 10, 4);
        pages.extend(0, PROMPT.length);
        pages.publish(0, 0, PROMPT, PROMPT.length);
        int[] other = {1, 2, 3, 4, 5, 6, 9, 9, 9};

        assertThat(pages.shared(0, PROMPT)).isEqualTo(8);
        assertThat(pages.shared(0, other)).isEqualTo(4);
        assertThat(pages.shared(1, PROMPT)).as("another kind").isZero();
        assertThat(pages.shared(0, Arrays.copyOf(PROMPT, 8))).as("its last token is wanted").isEqualTo(4);
        assertThat(pages.attach(1, 0, other)).isEqualTo(4);
        assertThat(pages.of(1)).isEqualTo(pages.of(0).subList(0, 1));
        assertThat(pages.users(pages.of(0).get(0))).isEqualTo(2);
    }

    @Test
    void release_publishedPages_areThereUntilTheirRoomIsWanted() {
        KvPages pages = new KvPages(2, 3, 4);
        pages.extend(0, PROMPT.length);
        pages.publish(0, 0, PROMPT, PROMPT.length);
        pages.release(0);

        assertThat(pages.available()).isEqualTo(3);
        assertThat(pages.shared(0, PROMPT)).isEqualTo(8);
        pages.extend(1, 8);
        assertThat(pages.shared(0, PROMPT)).as("the end of a prompt goes first").isEqualTo(4);
        pages.extend(1, 12);
        assertThat(pages.shared(0, PROMPT)).isZero();
        assertThatThrownBy(() -> pages.extend(0, 1)).isInstanceOf(IllegalStateException.class)
                .hasMessage("slot 0 needs 1 pages of the cache, and 0 are left");
    }

    @Test
    void publish_whatAnotherPageHolds_isSharedFromTheFirst() {
        KvPages pages = new KvPages(3, 10, 4);
        for (int slot = 0; slot < 2; slot++) {
            pages.extend(slot, PROMPT.length);
            pages.publish(slot, 0, PROMPT, PROMPT.length);
        }
        pages.attach(2, 0, PROMPT);
        assertThat(pages.of(2)).isEqualTo(pages.of(0).subList(0, 2));
    }

    @Test
    void firstMissing_promptsThatBeginAlike_isTheSame() {
        KvPages pages = new KvPages(1, 10, 4);
        assertThat(pages.firstMissing(0, PROMPT)).isEqualTo(pages.firstMissing(0, Arrays.copyOf(PROMPT, 6)))
                .isNotEqualTo(pages.firstMissing(1, PROMPT)).isNotNull();
        assertThat(pages.firstMissing(0, Arrays.copyOf(PROMPT, 4))).isNull();
        Object first = pages.firstMissing(0, PROMPT);
        pages.extend(0, 4);
        pages.publish(0, 0, PROMPT, 4);
        assertThat(pages.firstMissing(0, PROMPT)).isNotEqualTo(first);
    }

    /**
     * Random work beside a plain account of what every place of the table must hold: no page is lost or in two slots with
     * different tokens, and what a slot finds attached is what its prompt begins with.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 16})
    void randomWork_keepsEveryPageAccountedFor(int pageTokens) {
        for (int seed = 0; seed < 300; seed++) {
            new Account(seed, pageTokens).work();
        }
    }

    private static final class Account {
        private static final int SLOTS = 6;
        private final Random random;
        private final int pageTokens;
        private final int count;
        private final KvPages pages;
        private final int[][] prompts = new int[SLOTS][];
        private final int[] lengths = new int[SLOTS];
        // what the device's table and pages hold; a null token was written by steps
        private final Map<Integer, List<Integer>> table = new HashMap<>();
        private final Map<Integer, Integer[]> content = new HashMap<>();

        Account(int seed, int pageTokens) {
            this.random = new Random(seed);
            this.pageTokens = pageTokens;
            this.count = 8 + random.nextInt(30);
            this.pages = new KvPages(SLOTS, count, pageTokens);
        }

        void work() {
            for (int i = 0; i < 200; i++) {
                int slot = random.nextInt(SLOTS);
                if (prompts[slot] == null) {
                    begin(slot);
                } else if (random.nextInt(4) == 0) {
                    pages.release(slot);
                    prompts[slot] = null;
                } else if (random.nextInt(8) == 0) {
                    move(slot);
                } else if (pages.lacking(slot, lengths[slot] + 3) <= pages.available()) {
                    pages.extend(slot, lengths[slot] + 3);
                    drain();
                    for (int t = lengths[slot]; t < lengths[slot] + 3; t++) {
                        write(slot, t, null);
                    }
                    lengths[slot] += 3;
                }
                drain();
                check();
            }
        }

        private void begin(int slot) {
            int[] prompt = new int[1 + random.nextInt(5 * pageTokens)];
            int family = random.nextInt(3);
            int alike = random.nextInt(prompt.length + 1);
            Arrays.setAll(prompt, t -> t < alike ? family : random.nextInt(100));
            int there = pages.attach(slot, 0, prompt);
            if (pages.lacking(slot, prompt.length) > pages.available()) {
                pages.release(slot);
                return;
            }
            pages.extend(slot, prompt.length);
            prompts[slot] = prompt;
            lengths[slot] = prompt.length;
            drain();
            for (int t = 0; t < there; t++) {
                assertThat(read(slot, t)).as("shared token %d", t).isEqualTo(prompt[t]);
            }
            for (int t = there; t < prompt.length; t++) {
                write(slot, t, prompt[t]);
            }
            pages.publish(slot, 0, prompt, prompt.length);
        }

        private void move(int source) {
            for (int target = 0; target < SLOTS; target++) {
                if (prompts[target] == null) {
                    drain();
                    pages.move(source, target);
                    table.put(target, table.get(source));
                    table.put(source, new ArrayList<>());
                    prompts[target] = prompts[source];
                    lengths[target] = lengths[source];
                    prompts[source] = null;
                    return;
                }
            }
        }

        private void drain() {
            KvPages.Changes changes = pages.drain();
            changes.emptied().forEach(slot -> table.put(slot, new ArrayList<>()));
            for (KvPages.Change change : changes.filled()) {
                List<Integer> row = table.computeIfAbsent(change.slot(), any -> new ArrayList<>());
                assertThat(row).hasSize(change.place());
                row.add(change.page());
            }
        }

        private Integer read(int slot, int token) {
            return content.get(table.get(slot).get(token / pageTokens))[token % pageTokens];
        }

        private void write(int slot, int token, Integer value) {
            int page = table.get(slot).get(token / pageTokens);
            assertThat(pages.users(page)).as("a page that is written to").isEqualTo(1);
            content.computeIfAbsent(page, any -> new Integer[pageTokens])[token % pageTokens] = value;
        }

        private void check() {
            Set<Integer> used = new HashSet<>();
            for (int slot = 0; slot < SLOTS; slot++) {
                List<Integer> own = pages.of(slot);
                assertThat(own).isEqualTo(table.getOrDefault(slot, List.of())).doesNotHaveDuplicates()
                        .doesNotContain(0);
                assertThat(own.isEmpty()).isEqualTo(prompts[slot] == null);
                used.addAll(own);
                for (int t = 0; prompts[slot] != null && t < prompts[slot].length; t++) {
                    assertThat(read(slot, t)).isEqualTo(prompts[slot][t]);
                }
            }
            assertThat(pages.inUse()).isEqualTo(used.size());
            assertThat(pages.available()).isEqualTo(count - used.size());
        }
    }
}
