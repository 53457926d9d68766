package dev.lockstep.decoder.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.LongRun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KvPagesTest {
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    @Test
    void attach_promptThatBeginsAlike_hasTheSamePagesUpToTheLastWholeOne() {
        KvPages pages = new KvPages(3, 10, 4);
        pages.extend(0, 0, PROMPT.length);
        pages.publish(0, 0, PROMPT, PROMPT.length);
        int[] other = {1, 2, 3, 4, 5, 6, 9, 9, 9};

        assertThat(pages.shared(0, PROMPT)).isEqualTo(8);
        assertThat(pages.shared(0, other)).isEqualTo(4);
        assertThat(pages.shared(1, PROMPT)).as("another kind").isZero();
        assertThat(pages.shared(0, Arrays.copyOf(PROMPT, 8))).as("its last token is wanted").isEqualTo(4);
        assertThat(pages.attach(1, 0, other)).isEqualTo(4);
        assertThat(pages.of(1, 0)).isEqualTo(pages.of(0, 0).subList(0, 1));
        assertThat(pages.users(pages.of(0, 0).get(0))).isEqualTo(2);
    }

    @Test
    void release_publishedPages_areThereUntilTheirRoomIsWanted() {
        KvPages pages = new KvPages(2, 3, 4);
        pages.extend(0, 0, PROMPT.length);
        pages.publish(0, 0, PROMPT, PROMPT.length);
        pages.release(0);

        assertThat(pages.available()).isEqualTo(3);
        assertThat(pages.shared(0, PROMPT)).isEqualTo(8);
        pages.extend(1, 0, 8);
        assertThat(pages.shared(0, PROMPT)).as("the end of a prompt goes first").isEqualTo(4);
        pages.extend(1, 8, 12);
        assertThat(pages.shared(0, PROMPT)).isZero();
        assertThatThrownBy(() -> pages.extend(0, 0, 1)).isInstanceOf(IllegalStateException.class)
                .hasMessage("slot 0 needs 1 pages of the cache, and 0 are left");
    }

    @Test
    void publish_whatAnotherPageHolds_isSharedFromTheFirst() {
        KvPages pages = new KvPages(3, 10, 4);
        for (int slot = 0; slot < 2; slot++) {
            pages.extend(slot, 0, PROMPT.length);
            pages.publish(slot, 0, PROMPT, PROMPT.length);
        }
        pages.attach(2, 0, PROMPT);
        assertThat(pages.of(2, 0)).isEqualTo(pages.of(0, 0).subList(0, 2));
    }

    @Test
    void firstMissing_promptsThatBeginAlike_isTheSame() {
        KvPages pages = new KvPages(1, 10, 4);
        assertThat(pages.firstMissing(0, PROMPT)).isEqualTo(pages.firstMissing(0, Arrays.copyOf(PROMPT, 6)))
                .isNotEqualTo(pages.firstMissing(1, PROMPT)).isNotNull();
        assertThat(pages.firstMissing(0, Arrays.copyOf(PROMPT, 4))).isNull();
        Object first = pages.firstMissing(0, PROMPT);
        pages.extend(0, 0, 4);
        pages.publish(0, 0, PROMPT, 4);
        assertThat(pages.firstMissing(0, PROMPT)).isNotEqualTo(first);
    }

    /**
     * Random work beside a plain account of what every place of the tables must hold: no page is lost or in two slots with
     * different tokens, what a slot finds attached is what its prompt begins with, and what a window sees is there.
     */
    @ParameterizedTest
    @LongRun(butFor = {2, 5})
    @CsvSource({"1, 0", "3, 0", "16, 0", "3, '0 5'", "4, '7 0 7'", "16, '20 0'", "3, '6'", "1, '0 4 9'"})
    void randomWork_keepsEveryPageAccountedFor(int pageTokens, String windows) {
        long attached = 0;
        for (int seed = 0; seed < 200; seed++) {
            Account account = new Account(seed, pageTokens,
                    Arrays.stream(windows.split(" ")).mapToInt(Integer::parseInt).toArray());
            account.work();
            attached += account.attached;
        }
        System.out.println(pageTokens + " tokens a page, windows " + windows + ": " + attached + " tokens were there");
        assertThat(attached).as("tokens that were there").isPositive();
    }

    private static final class Account {
        private static final int SLOTS = 6;
        private final Random random;
        private final int pageTokens;
        private final int[] windows;
        private final int count;
        private final KvPages pages;
        private final int[][] prompts = new int[SLOTS][];
        private final int[] lengths = new int[SLOTS];
        // what the device's tables and pages hold, by slot and group; a null token was written by steps
        private final int[][][] table;
        private final Map<Integer, Integer[]> content = new HashMap<>();
        private long attached;

        Account(int seed, int pageTokens, int... windows) {
            this.random = new Random(seed);
            this.pageTokens = pageTokens;
            this.windows = windows;
            this.count = LayerGroups.aside(pageTokens, windows) + windows.length * (8 + random.nextInt(30));
            this.pages = new KvPages(SLOTS, count, pageTokens, windows);
            this.table = new int[SLOTS][windows.length][500];
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
                } else if (pages.lacking(slot, lengths[slot], lengths[slot] + 3) <= pages.available()) {
                    int lacking = pages.lacking(slot, lengths[slot], lengths[slot] + 3);
                    int inUse = pages.inUse();
                    pages.extend(slot, lengths[slot], lengths[slot] + 3);
                    assertThat(pages.inUse() - inUse).as("what it lacked").isEqualTo(lacking);
                    drain();
                    for (int t = lengths[slot]; t < lengths[slot] + 3; t++) {
                        see(slot, t);
                        write(slot, t, null);
                    }
                    lengths[slot] += 3;
                    assertThat(own(slot)).as("what it holds")
                            .isLessThanOrEqualTo(LayerGroups.pages(lengths[slot], pageTokens, windows)
                                    + windows.length * (3 / pageTokens + 1));
                }
                drain();
                check();
            }
        }

        private long own(int slot) {
            return IntStream.range(0, windows.length)
                    .mapToLong(group -> pages.of(slot, group).stream().filter(page -> page != 0).count()).sum();
        }

        /** In pieces, of which each is told of before the next. */
        private void begin(int slot) {
            int[] prompt = new int[1 + random.nextInt(5 * pageTokens + 20)];
            int family = random.nextInt(3);
            int alike = random.nextInt(prompt.length + 1);
            Arrays.setAll(prompt, t -> t < alike ? family : random.nextInt(100));
            int wanted = pages.wanted(0, prompt);
            if (wanted > pages.available()) {
                return;
            }
            int before = pages.inUse();
            int there = pages.attach(slot, 0, prompt);
            pages.extend(slot, there, prompt.length);
            assertThat(pages.inUse() - before).as("what it wanted").isLessThanOrEqualTo(wanted);
            attached += there;
            prompts[slot] = prompt;
            for (int from = there, to; from < prompt.length; from = to) {
                to = random.nextBoolean() ? prompt.length : from + 1 + random.nextInt(prompt.length - from);
                pages.extend(slot, from, to);
                pages.keepWhole(slot, from, to);
                drain();
                see(slot, from);
                for (int t = from; t < to; t++) {
                    write(slot, t, prompt[t]);
                }
                pages.publish(slot, 0, prompt, to);
                lengths[slot] = to;
            }
        }

        /** What the next token sees of those before it is what it should be. */
        private void see(int slot, int token) {
            for (int group = 0; group < windows.length; group++) {
                for (int t = windows[group] == 0 ? 0 : Math.max(0, token - windows[group] + 1); t < token; t++) {
                    Integer expected = t < prompts[slot].length ? prompts[slot][t] : null;
                    assertThat(read(slot, group, t)).as("token %d of group %d, seen by %d", t, group, token)
                            .isEqualTo(expected);
                }
            }
        }

        private void move(int source) {
            for (int target = 0; target < SLOTS; target++) {
                if (prompts[target] == null) {
                    drain();
                    pages.move(source, target);
                    table[target] = table[source];
                    table[source] = new int[windows.length][500];
                    prompts[target] = prompts[source];
                    lengths[target] = lengths[source];
                    prompts[source] = null;
                    return;
                }
            }
        }

        private void drain() {
            KvPages.Changes changes = pages.drain();
            changes.emptied().forEach(slot -> table[slot] = new int[windows.length][500]);
            Set<KvPages.Change> places = new HashSet<>();
            for (KvPages.Change change : changes.filled()) {
                assertThat(places.add(new KvPages.Change(change.group(), change.slot(), change.place(), 0)))
                        .as("a place is filled once").isTrue();
                table[change.slot()][change.group()][change.place()] = change.page();
            }
        }

        private Integer read(int slot, int group, int token) {
            return content.get(table[slot][group][token / pageTokens])[token % pageTokens];
        }

        private void write(int slot, int token, Integer value) {
            for (int group = 0; group < windows.length; group++) {
                int page = table[slot][group][token / pageTokens];
                if (pages.of(slot, group).get(token / pageTokens) == 0) {
                    assertThat(page).as("what nobody will see goes to nobody").isZero();
                } else {
                    assertThat(pages.users(page)).as("a page that is written to").isEqualTo(1);
                    content.computeIfAbsent(page, any -> new Integer[pageTokens])[token % pageTokens] = value;
                }
            }
        }

        private void check() {
            Set<Integer> used = new HashSet<>();
            for (int slot = 0; slot < SLOTS; slot++) {
                if (prompts[slot] != null) {
                    see(slot, lengths[slot]);
                }
                List<Integer> all = new ArrayList<>();
                for (int group = 0; group < windows.length; group++) {
                    List<Integer> own = pages.of(slot, group);
                    assertThat(own.isEmpty()).isEqualTo(prompts[slot] == null);
                    for (int place = 0; place < own.size(); place++) {
                        if (own.get(place) != 0) {
                            assertThat(own.get(place)).isEqualTo(table[slot][group][place]);
                            all.add(own.get(place));
                        } else {
                            assertThat(windows[group]).isPositive();
                        }
                    }
                }
                assertThat(all).doesNotHaveDuplicates();
                used.addAll(all);
            }
            assertThat(pages.inUse()).isEqualTo(used.size());
            assertThat(pages.available())
                    .isEqualTo(Math.max(0, count - used.size() - LayerGroups.aside(pageTokens, windows)));
        }
    }

    @ParameterizedTest
    @CsvSource({"'1 1 1 1', 1, 4", "'0 0 9 0 0 9 0 0', 4, 2", "'9 9 9 9 9 0 9 9 9 9 9 0', 6, 2", "'0 5 7', 3, 1",
            "'0 0 0', 1, 3"})
    void layerGroups_layersOfEachWindow_areCutIntoGroupsAlike(String windows, int groups, int layers) {
        List<Integer> byLayer = Arrays.stream(windows.split(" ")).map(Integer::valueOf).toList();
        LayerGroups cut = LayerGroups.of(byLayer);
        assertThat(cut.windows()).hasSize(groups);
        assertThat(cut.layers()).isEqualTo(layers);
        Set<List<Integer>> places = new HashSet<>();
        for (int layer = 0; layer < byLayer.size(); layer++) {
            assertThat(cut.windows()[cut.group()[layer]]).isEqualTo(byLayer.get(layer));
            assertThat(cut.place()[layer]).isLessThan(layers);
            assertThat(places.add(List.of(cut.group()[layer], cut.place()[layer]))).isTrue();
        }
    }
}
