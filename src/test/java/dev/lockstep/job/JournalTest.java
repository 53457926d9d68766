package dev.lockstep.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.generate.FinishReason;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class JournalTest {
    private static final SamplingParams GREEDY = SamplingParams.greedy(1, List.of());

    @TempDir
    private Path dir;

    private static Result result(int index, int sample, String text) {
        return new Result(index, "id", sample, "p", text, new int[]{1}, Runs.json("[-0.125]"),
                Runs.json("[[{\"id\": 1, \"token\": \"}\\n\", \"logprob\": -6.196219}]]"), 7, 1, FinishReason.LENGTH, 0,
                null, null);
    }

    private static List<Request> rows(int... indexes) {
        return IntStream.of(indexes).mapToObj(index -> new Request(index, 0, new int[1], GREEDY)).toList();
    }

    private Journal journal(int rank, int run) throws IOException {
        return new Journal(JournalDirectory.keeper(dir, rank), run);
    }

    @Test
    void results_ofManyRanksInAnyOrder_comeInOrder() throws IOException {
        int prompts = 300;
        Random random = new Random(3);
        List<Result> all = new ArrayList<>();
        for (int prompt = 0; prompt < prompts; prompt++) {
            // so many samples as the prompt likes
            for (int sample = 0; sample < 1 + prompt * 7 % 5; sample++) {
                // some longer than what is read at once
                int length = random.nextInt(all.size() % 97 == 0 ? 100_000 : 200);
                all.add(result(prompt, sample, "é}\n".repeat(length)));
            }
        }
        List<Result> shuffled = new ArrayList<>(all);
        Collections.shuffle(shuffled, random);
        List<Journal> journals = List.of(journal(0, 1), journal(1, 1), journal(12, 1));
        for (Result result : shuffled) {
            Journal journal = journals.get(random.nextInt(3));
            journal.add(result);
            journal.flush();
        }
        JournalIndex index = JournalIndex.read(dir);
        assertThat(index.count()).isEqualTo(900);
        assertThat(index.tally().promptTokens()).isEqualTo(7 * prompts);
        List<Result> read = new ArrayList<>();
        try (JournalResults results = index.results(prompts, 900)) {
            results.forEachRemaining(read::add);
        }
        assertThat(read).usingRecursiveFieldByFieldElementComparator().containsExactlyElementsOf(all);
        assertThatThrownBy(() -> index.results(prompts, 901)).isInstanceOf(UsageException.class)
                .hasMessage(
                        "the journal has 900 results, and the prompts ask for 901: did they change while the job ran?");
        try (JournalResults results = index.results(prompts + 1, 900)) {
            assertThatThrownBy(() -> results.forEachRemaining(any -> {
            })).isInstanceOf(UsageException.class).hasMessageStartingWith("row 300 is missing");
        }
    }

    @Test
    void read_tornLine_isNoResult() throws IOException {
        journal(0, 1).add(result(0, 0, "lost: never flushed"));
        Journal journal = journal(1, 1);
        journal.add(result(1, 0, "kept"));
        journal.stop();
        Path file = dir.resolve("rank-1.jsonl");
        byte[] whole = Json.MAPPER.writeValueAsBytes(result(2, 0, "torn }"));
        for (int length = 1; length <= whole.length; length++) {
            String before = Files.readString(file);
            Files.write(file, Arrays.copyOf(whole, length), StandardOpenOption.APPEND);
            JournalIndex index = JournalIndex.read(dir);
            assertThat(index.count()).as("%d bytes", length).isEqualTo(1);
            assertThat(index.has(1, 0)).isTrue();
            Files.writeString(file, before);
        }
        // as the next run would go on, had nobody cut it off
        Files.write(file, Arrays.copyOf(whole, whole.length - 2), StandardOpenOption.APPEND);
        Files.writeString(file, "\n" + new String(whole, StandardCharsets.UTF_8) + "\n", StandardOpenOption.APPEND);
        assertThat(JournalIndex.read(dir).count()).isEqualTo(2);
    }

    @Test
    void strikes_countRowsOfARankThatDiedAlone() throws IOException {
        for (int run = 1; run <= 2; run++) {
            Journal dies = journal(0, run);
            dies.starting(rows(3, 4, run + 10));
            dies.add(result(4, 0, "done"));
            dies.flush();
            Journal ends = journal(1, run);
            ends.starting(rows(5));
            ends.stop();
        }
        JournalIndex index = JournalIndex.read(dir);
        assertThat(index.strikes(3, 0)).isEqualTo(2);
        assertThat(index.strikes(11, 0)).isEqualTo(1);
        assertThat(index.strikes(12, 0)).isEqualTo(1);
        assertThat(index.strikes(4, 0)).isZero();
        assertThat(index.strikes(5, 0)).isZero();
    }

    @Test
    void strikes_severalRanksGoneTogether_areNoRowsFault() throws IOException {
        journal(0, 1).starting(rows(1, 2));
        journal(1, 1).starting(rows(3));
        JournalIndex index = JournalIndex.read(dir);
        assertThat(IntStream.range(0, 4).map(row -> index.strikes(row, 0))).containsOnly(0);
    }

    private JournalDirectory directory(String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("--output", dir.resolve("r.jsonl").toString()));
        args.addAll(List.of(more));
        return JournalDirectory.of(GenerateOptions.parse(args.toArray(String[]::new)));
    }

    @Test
    void directory_ofAnotherJob_isRefusedByName() throws IOException {
        Fingerprint job = new Fingerprint("m", "float32", "p", "s");
        try (JournalDirectory first = directory()) {
            assertThat(first.begin(job).run()).isEqualTo(1);
            Journal journal = new Journal(JournalDirectory.keeper(first.path(), 0), 1);
            journal.add(result(0, 0, "t"));
            journal.stop();
            Files.writeString(first.path().resolve("rank-0.jsonl"), "{\"ind", StandardOpenOption.APPEND);
            try (JournalDirectory second = directory("--resume")) {
                assertThatThrownBy(() -> second.begin(job)).isInstanceOf(UsageException.class)
                        .hasMessageContaining("another run is writing");
            }
        }
        assertThatThrownBy(this::directory).isInstanceOf(UsageException.class).hasMessageContaining("add --resume");
        try (JournalDirectory second = directory("--resume")) {
            refused(second, new Fingerprint("x", "float32", "p", "s"), "the model is another one");
            refused(second, new Fingerprint("m", "float32", "x", "s"), "the prompts are others");
            refused(second, new Fingerprint("m", "float32", "p", "x"), "the sampling options are others");
            refused(second, new Fingerprint("m", "float16", "p", "s"),
                    "the type of computation was float32 and is float16");
            Path file = second.path().resolve("job.json");
            String whole = Files.readString(file);
            Files.writeString(file, whole.substring(0, 20));
            assertThatThrownBy(() -> second.check(job)).isInstanceOf(UsageException.class)
                    .hasMessageContaining("job.json, which says what the rows there belong to, cannot be read; remove");
            Files.delete(file);
            assertThatThrownBy(() -> second.check(job)).isInstanceOf(UsageException.class);
            Files.writeString(file, whole);
            second.check(job);
            assertThat(second.begin(job).run()).isEqualTo(2);
            assertThat(Files.readString(second.path().resolve("rank-0.jsonl"))).endsWith("{\"stop\":true}\n");
            second.remove();
        }
        assertThat(dir).isEmptyDirectory();
    }

    private static void refused(JournalDirectory directory, Fingerprint now, String difference) {
        assertThatThrownBy(() -> directory.check(now)).isInstanceOf(UsageException.class)
                .hasMessageEndingWith(".journal is of another job: " + difference
                        + "; run the same job again, or name another --output");
    }

    @Test
    void directory_withoutResults_isBegunAnew() throws IOException {
        try (JournalDirectory first = directory()) {
            first.begin(new Fingerprint("m", "float32", "p", "s"));
            new Journal(JournalDirectory.keeper(first.path(), 0), 1).starting(rows(1));
        }
        try (JournalDirectory second = directory()) {
            second.begin(new Fingerprint("x", "float32", "p", "s"));
            assertThat(JournalIndex.files(second.path())).isEmpty();
        }
    }
}
