package dev.lockstep.batch;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.generate.FinishReason;
import dev.lockstep.journal.Journal;
import dev.lockstep.journal.JournalFile;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.results.Result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** How rows that begin alike are dealt, for random inputs and ranks that come in random order. */
class CursorTest {
    private static final String JOB = "a job";
    /** A row that begins like no other. */
    private static final int ALONE = -1;

    private record Sample(int row, int sample) {}

    @TempDir
    private Path dir;

    /** Which rows begin alike: the same number; in random order, and no group of one. */
    private static List<Integer> groups(Random random) {
        List<Integer> groups = new ArrayList<>();
        int kinds = random.nextInt(7);
        for (int kind = 0; kind < kinds; kind++) {
            groups.addAll(Collections.nCopies(2 + random.nextInt(random.nextBoolean() ? 5 : 40), kind));
        }
        groups.addAll(Collections.nCopies(1 + random.nextInt(20), ALONE));
        Collections.shuffle(groups, random);
        return groups;
    }

    private static String text(List<Integer> groups) {
        return IntStream.range(0, groups.size()).mapToObj(row -> "\"" + (groups.get(row) == ALONE
                ? row + " is alone"
                : Integer.toString(groups.get(row)).repeat(100) + row) + "\"\n").collect(Collectors.joining());
    }

    private PromptFile prompts(List<Integer> groups, boolean inBlocks, int samples) throws IOException {
        Path file = Files.writeString(dir.resolve("p.jsonl"), text(groups));
        return PromptFile.survey(file.toString(), InputStream.nullInputStream(), inBlocks, samples, row -> row);
    }

    private static List<Sample> samples(WorkQueue.Grant grant) {
        return grant.work().stream().flatMap(work -> IntStream.range(work.from(), work.to())
                .mapToObj(sample -> new Sample(work.prompt().index(), sample))).toList();
    }

    /** Some of the samples as finished by an earlier run. */
    private JournalIndex done(Random random, List<Integer> groups, int samples, Set<Sample> done) throws IOException {
        Path directory = Files.createTempDirectory(dir, "journal");
        Journal journal = new Journal(new JournalFile(directory, 0), JOB, 1);
        int every = 1 + random.nextInt(5);
        for (int row = 0; row < groups.size(); row++) {
            for (int sample = 0; sample < samples; sample++) {
                if (every < 4 && random.nextInt(every + 1) == 0) {
                    journal.add(new Result(row, "id", sample, "p", "t", new int[1], 3, 1, FinishReason.LENGTH, 0,
                            null));
                    done.add(new Sample(row, sample));
                }
            }
        }
        journal.stop();
        return JournalIndex.read(directory, JOB, groups.size());
    }

    /**
     * Every sample is dealt once, to whoever has room while there is any. A group that is no larger than a rank's share goes
     * to one rank, in one go, unless nothing else is left that nobody has begun.
     */
    @Test
    void deal_randomGroups_dealsEachOnceAndGroupsWholeWhileOthersAreLeft() throws IOException {
        int whole = 0;
        int divided = 0;
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            List<Integer> groups = groups(random);
            int samples = 1 + random.nextInt(3);
            int ranks = 1 + random.nextInt(4);
            Set<Sample> all = new HashSet<>();
            JournalIndex done = done(random, groups, samples, all);
            try (PromptFile prompts = prompts(groups, false, samples)) {
                WorkQueue queue = new WorkQueue(prompts, ranks, false, samples, done);
                int left = groups.size() * samples - all.size();
                int share = (groups.size() + ranks - 1) / ranks;
                List<List<Integer>> rowsOf = new ArrayList<>();
                Set<Integer> over = new HashSet<>();
                Map<Integer, Integer> owners = new HashMap<>();
                for (int rank = 0; rank < ranks; rank++) {
                    rowsOf.add(new ArrayList<>());
                }
                Set<Integer> shared = new HashSet<>();
                while (over.size() < ranks) {
                    int rank = random.nextInt(ranks);
                    if (over.contains(rank)) {
                        continue;
                    }
                    int free = random.nextInt(12);
                    WorkQueue.Grant grant = queue.deal(rank, free, 0, random.nextBoolean());
                    List<Sample> dealt = samples(grant);
                    assertThat(dealt).as("seed %d", seed).hasSize(Math.min(free, left));
                    left -= dealt.size();
                    // the last rows may all be done, which is not known before somebody asks for more
                    assertThat(!grant.over() || left == 0).as("seed %d", seed).isTrue();
                    assertThat(grant.over() || dealt.size() == free).as("seed %d", seed).isTrue();
                    if (grant.over()) {
                        over.add(rank);
                    }
                    boolean divides = false;
                    for (Sample each : dealt) {
                        assertThat(all.add(each)).as("seed %d, %s again", seed, each).isTrue();
                        rowsOf.get(rank).add(each.row());
                        int piece = piece(groups, each.row(), share);
                        Integer owner = owners.putIfAbsent(piece, rank);
                        if (owner != null && owner != rank) {
                            divides = true;
                            shared.add(piece);
                        }
                    }
                    if (divides) {
                        assertThat(untouched(groups, all, owners.keySet(), share, samples)).as("seed %d", seed)
                                .isEmpty();
                    }
                }
                assertThat(all).as("seed %d", seed).hasSize(groups.size() * samples);
                for (List<Integer> rows : rowsOf) {
                    List<Integer> pieces = runs(rows.stream().map(row -> piece(groups, row, share)).toList());
                    pieces.removeAll(shared);
                    assertThat(pieces).as("seed %d: each in one go", seed).doesNotHaveDuplicates();
                }
                divided += shared.size();
                whole += owners.size() - shared.size();
            }
        }
        assertThat(divided).isPositive();
        assertThat(whole).isGreaterThan(10 * divided);
    }

    /** What a row is dealt with: its group, or itself where it is alone or its group is larger than a share. */
    private static int piece(List<Integer> groups, int row, int share) {
        int group = groups.get(row);
        return group == ALONE || Collections.frequency(groups, group) > share ? row : groups.size() + group;
    }

    /** Pieces that are not begun and of which there is something to do. */
    private static Set<Integer> untouched(List<Integer> groups, Set<Sample> doneOrDealt, Set<Integer> begun, int share,
            int samples) {
        Set<Integer> pieces = new HashSet<>();
        for (int row = 0; row < groups.size(); row++) {
            for (int sample = 0; sample < samples; sample++) {
                int piece = piece(groups, row, share);
                if (!doneOrDealt.contains(new Sample(row, sample)) && !begun.contains(piece)) {
                    pieces.add(piece);
                }
            }
        }
        return pieces;
    }

    private static List<Integer> runs(List<Integer> values) {
        List<Integer> runs = new ArrayList<>();
        for (int value : values) {
            if (runs.isEmpty() || runs.get(runs.size() - 1) != value) {
                runs.add(value);
            }
        }
        return runs;
    }

    @Test
    void deal_groupsThatFit_areEachOneRanks() throws IOException {
        // A B C A B C ...: four ranks' worth of rows would be a third of each
        List<Integer> groups = IntStream.range(0, 60).map(row -> row % 6).boxed().toList();
        try (PromptFile prompts = prompts(groups, false, 1)) {
            WorkQueue queue = new WorkQueue(prompts, 2, false, 1, JournalIndex.read(dir, JOB, 60));
            List<Sample> first = samples(queue.deal(0, 30, 0, true));
            assertThat(runs(first.stream().map(each -> groups.get(each.row())).toList())).containsExactly(0, 1, 2);
            List<Sample> second = samples(queue.deal(1, 30, 0, true));
            assertThat(runs(second.stream().map(each -> groups.get(each.row())).toList())).containsExactly(3, 4, 5);
        }
    }

    @Test
    void deal_inBlocks_keepsToTheSharesAndPutsGroupsTogether() throws IOException {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            List<Integer> groups = groups(random);
            int ranks = 1 + random.nextInt(4);
            try (PromptFile prompts = prompts(groups, true, 1)) {
                WorkQueue queue = new WorkQueue(prompts, ranks, true, 1, JournalIndex.read(dir, JOB, 0));
                List<Integer> all = new ArrayList<>();
                for (int rank = ranks - 1; rank >= 0; rank--) {
                    List<Integer> rows = new ArrayList<>();
                    for (boolean over = false; !over;) {
                        WorkQueue.Grant grant = queue.deal(rank, 1 + random.nextInt(9), 0, true);
                        samples(grant).forEach(each -> rows.add(each.row()));
                        over = grant.over();
                    }
                    assertThat(runs(rows.stream().map(groups::get).filter(group -> group != ALONE).toList()))
                            .as("seed %d, rank %d", seed, rank).doesNotHaveDuplicates();
                    assertThat(Collections.max(rows) - Collections.min(rows)).isEqualTo(rows.size() - 1);
                    all.addAll(rows);
                }
                assertThat(all).as("seed %d", seed).doesNotHaveDuplicates().hasSameSizeAs(groups);
            }
        }
    }

    /** Nobody waits for a pipe while there are rows that somebody else was to get. */
    @Test
    void deal_pipeThatHasNoMoreYet_dealsAllThatIsKnown() throws IOException {
        InputStream none = new InputStream() {
            @Override
            public int read() {
                throw new IllegalStateException("this would wait");
            }
        };
        for (int seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            List<Integer> groups = IntStream.range(0, 1024).map(row -> random.nextInt(40)).boxed().toList();
            InputStream pipe = new SequenceInputStream(
                    new ByteArrayInputStream(text(groups).getBytes(StandardCharsets.UTF_8)), none);
            try (PromptFile prompts = PromptFile.survey("-", pipe, false, 2, row -> row)) {
                WorkQueue queue = new WorkQueue(prompts, 3, false, 2, JournalIndex.read(dir, JOB, 0));
                Set<Sample> dealt = new HashSet<>();
                while (dealt.size() < 2048) {
                    List<Sample> some = samples(queue.deal(random.nextInt(3),
                            Math.min(2048 - dealt.size(), random.nextInt(90)), 0, false));
                    some.forEach(each -> assertThat(dealt.add(each)).isTrue());
                }
                assertThatThrownBy(() -> queue.deal(1, 1, 0, true)).hasMessage("this would wait");
            }
        }
    }
}
