package dev.lockstep.journal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.batch.GenerateOptions;
import dev.lockstep.batch.JournalFuzz;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.results.Result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class JournalTest {
    private static final String JOB = "a job";
    private static final IntUnaryOperator SAMPLES = prompt -> 1 + prompt * 7 % 5;

    @TempDir
    private Path dir;

    private static Result result(int index, int sample, String text) {
        return new Result(index, "id", sample, "p", text, new int[]{1}, new Result.Score(-0.125, sample == 0), null,
                null,
                Runs.json("[-0.125]"),
                Runs.json("[[{\"id\": 1, \"token\": \"}\\n\", \"logprob\": -6.196219}]]"), 7, 1, FinishReason.LENGTH, 0,
                null, null);
    }

    private static List<CrashSuspects.Sample> rows(int... indexes) {
        return IntStream.of(indexes).mapToObj(index -> new CrashSuspects.Sample(index, 0)).toList();
    }

    private Journal journal(int rank, int run) throws IOException {
        return new Journal(new JournalFile(dir, rank), JOB, run);
    }

    private JournalIndex index() throws IOException {
        return JournalIndex.read(dir, JOB, 1000);
    }

    /** As of a rank that a signal ends while it works: what it still does is not to be counted. */
    @Test
    void flush_afterTheStop_keepsNothingAndSaysSo() throws IOException {
        Journal journal = journal(0, 1);
        journal.add(result(0, 0, "before"));
        assertThat(journal.flush()).isTrue();
        assertThat(journal.flush()).isTrue();
        journal.stop();
        journal.add(result(1, 0, "after"));
        assertThat(journal.flush()).isFalse();
        assertThat(index().count()).isEqualTo(1);
    }

    @Test
    void results_ofManyRanksInAnyOrder_comeInOrder() throws IOException {
        int prompts = 300;
        Random random = new Random(3);
        List<Result> all = new ArrayList<>();
        for (int prompt = 0; prompt < prompts; prompt++) {
            // so many samples as the prompt likes
            for (int sample = 0; sample < SAMPLES.applyAsInt(prompt); sample++) {
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
        JournalIndex index = index();
        assertThat(index.count()).isEqualTo(900);
        assertThat(index.tally().promptTokens()).isEqualTo(7L * prompts);
        List<Result> read = new ArrayList<>();
        try (JournalResults results = index.results(prompts, SAMPLES)) {
            results.forEachRemaining(read::add);
        }
        assertThat(read).usingRecursiveFieldByFieldElementComparator().containsExactlyElementsOf(all);
        assertThatThrownBy(() -> index.results(prompts + 1, SAMPLES)).isInstanceOf(IOException.class)
                .hasMessage("1 of 901 rows cannot be found in the journal any more, which was damaged or removed while "
                        + "the job ran; run it again with --resume, which does what is missing");
        // what nobody asks for is left out
        try (JournalResults results = index.results(2, prompt -> 1)) {
            assertThat(results.next().index()).isZero();
            assertThat(results.next().index()).isOne();
            assertThat(results.hasNext()).isFalse();
        }
        Files.writeString(dir.resolve("rank-0.jsonl"), "");
        try (JournalResults results = index.results(prompts, SAMPLES)) {
            assertThatThrownBy(() -> results.forEachRemaining(any -> {
            })).isInstanceOf(UncheckedIOException.class).hasMessageContaining("is no longer in the journal as it was");
        }
    }

    /** Of a rank that computes together with another, which keeps the results: what was under way when it died is known. */
    @Test
    void read_journalWithoutResults_knowsWhatWasUnderWay() throws IOException {
        Journal first = journal(0, 1);
        Journal second = new Journal(new JournalFile(dir, 1), JOB, 1, false);
        for (Journal journal : List.of(first, second)) {
            journal.starting(rows(1, 2, 3), false);
            journal.add(result(2, 0, "done"));
            journal.flush();
        }
        first.stop();
        JournalIndex index = index();
        assertThat(index.count()).isEqualTo(1);
        assertThat(index.damaged()).isZero();
        assertThat(index.suspicion(1, 0)).isNotNull();
        assertThat(index.suspicion(2, 0)).isNull();
        assertThat(index.suspicion(3, 0).deaths()).isEqualTo(1);
        assertThat(Files.readString(dir.resolve("rank-1.jsonl"))).doesNotContain("done");
        second.stop();
        assertThat(index().suspicion(3, 0)).isNull();
    }

    @Test
    void read_tornLine_isNoResult() throws IOException {
        journal(0, 1).add(result(0, 0, "lost: never flushed"));
        Journal journal = journal(1, 1);
        journal.add(result(1, 0, "kept"));
        journal.stop();
        Path file = dir.resolve("rank-1.jsonl");
        byte[] whole = line(result(2, 0, "torn }"));
        for (int length = 1; length < whole.length; length++) {
            String before = Files.readString(file);
            Files.write(file, Arrays.copyOf(whole, length), StandardOpenOption.APPEND);
            JournalIndex index = index();
            assertThat(index.count()).as("%d bytes", length).isEqualTo(1);
            assertThat(index.has(1, 0)).isTrue();
            assertThat(index.damaged()).isZero();
            Files.writeString(file, before);
        }
        // as the next run would go on, had nobody cut it off
        Files.write(file, Arrays.copyOf(whole, whole.length - 2), StandardOpenOption.APPEND);
        Files.writeString(file, "\n" + new String(whole, StandardCharsets.UTF_8), StandardOpenOption.APPEND);
        assertThat(index().count()).isEqualTo(2);
    }

    private static byte[] line(Result result) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        new LineSeal(JOB).write(Json.MAPPER.writeValueAsBytes(result), line);
        return line.toByteArray();
    }

    private JournalDirectory directory(String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("--output", dir.resolve("r.jsonl").toString()));
        args.addAll(List.of(more));
        GenerateOptions options = GenerateOptions.parse(args.toArray(String[]::new));
        return JournalDirectory.of(options.output(), options.resume(), "");
    }

    @Test
    void directory_ofAnotherJob_isRefusedByName() throws IOException {
        Fingerprint job = new Fingerprint("m", "float32", "p", "s", "");
        try (JournalDirectory first = directory()) {
            assertThat(first.begin(job, "a1").run()).isEqualTo(1);
            Journal journal = new Journal(new JournalFile(first.path(), 0), job.job(), 1);
            journal.add(result(0, 0, "t"));
            journal.stop();
            Files.writeString(first.path().resolve("rank-0.jsonl"), "{\"ind", StandardOpenOption.APPEND);
            try (JournalDirectory second = directory("--resume")) {
                assertThatThrownBy(() -> second.begin(job, "b2")).isInstanceOf(UsageException.class)
                        .hasMessageContaining("another run is writing");
            }
        }
        assertThatThrownBy(this::directory).isInstanceOf(UsageException.class).hasMessageContaining("add --resume");
        try (JournalDirectory second = directory("--resume")) {
            refused(second, new Fingerprint("x", "float32", "p", "s", ""), "the model is a different one");
            refused(second, new Fingerprint("m", "float32", "p", "s", "x"), "the adapters (--lora) are different ones");
            refused(second, new Fingerprint("m", "float32", "x", "s", ""), "the prompts are different");
            refused(second, new Fingerprint("m", "float32", "p", "x", ""), "the sampling options are different");
            refused(second, new Fingerprint("m", "float16", "p", "s", ""),
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
            assertThat(second.begin(job, "b2").run()).isEqualTo(2);
            assertThat(Files.readString(second.path().resolve("rank-0.jsonl")))
                    .matches("(?s).*\n\\{\"stop\":1} [0-9a-f]{8}\n");
            second.remove();
        }
        assertThat(dir).isEmptyDirectory();
    }

    private static void refused(JournalDirectory directory, Fingerprint now, String difference) {
        assertThatThrownBy(() -> directory.check(now)).isInstanceOf(UsageException.class)
                .hasMessageEndingWith(".journal belongs to another job: " + difference
                        + "; run the same job again, or name another --output");
    }

    @Test
    void directory_withoutResults_isBegunAnew() throws IOException {
        try (JournalDirectory first = directory()) {
            first.begin(new Fingerprint("m", "float32", "p", "s", ""), "");
            new Journal(new JournalFile(first.path(), 0), JOB, 1).starting(rows(1), false);
        }
        try (JournalDirectory second = directory()) {
            second.begin(new Fingerprint("x", "float32", "p", "s", ""), "");
            assertThat(JournalIndex.files(second.path())).isEmpty();
        }
    }

    @Test
    void directory_ofRanksThatDied_isGoneOnWithByThoseAfterThemOnly() throws IOException {
        Fingerprint job = new Fingerprint("m", "float32", "p", "s", "");
        String output = dir.resolve("r.jsonl").toString();
        try (JournalDirectory first = JournalDirectory.of(output, false, "")) {
            first.begin(job, "a1");
            Journal journal = new Journal(new JournalFile(first.path(), 0), job.job(), 1);
            journal.starting(rows(2), false);
            try (JournalDirectory other = JournalDirectory.of(output, false, "b2")) {
                assertThat(other.resumes()).isFalse();
            }
            journal.add(result(0, 0, "t"));
            journal.flush();
        }
        assertThatThrownBy(() -> JournalDirectory.of(output, false, "b2")).isInstanceOf(UsageException.class)
                .hasMessageContaining("add --resume");
        try (JournalDirectory second = JournalDirectory.of(output, false, "a1")) {
            assertThat(second.resumes()).isTrue();
            second.check(job);
            assertThat(second.begin(job, "a1").run()).isEqualTo(2);
            assertThat(JournalIndex.read(second.path(), job.job(), 9).count()).isEqualTo(1);
        }
    }

    /** Three in four of them single bits; src/test/soak/journal.sh does thousands. */
    @Test
    void journal_damaged_givesTheRightResultsOrASentence() throws IOException {
        JournalFuzz fuzz = new JournalFuzz(dir, 1);
        for (int number = 0; number < 200; number++) {
            fuzz.once(number);
        }
        assertThat(fuzz.outcomes.get("right results")).isGreaterThan(120);
    }

    @Test
    void read_damagedLines_areCountedAndLeftOut() throws IOException {
        Journal journal = journal(0, 1);
        IntStream.range(0, 8).forEach(row -> journal.add(result(row, 0, "text")));
        journal.stop();
        Path file = dir.resolve("rank-0.jsonl");
        String whole = Files.readString(file);
        Files.writeString(file, whole.replace("{\"index\":3,", "{\"index\":5,").replace("{\"index\":6,",
                "{\"index\":2000000000,"));
        JournalIndex index = index();
        assertThat(index.damaged()).isEqualTo(2);
        assertThat(IntStream.range(0, 8).filter(row -> index.has(row, 0))).containsExactly(0, 1, 2, 4, 5, 7);
        // another job's, however good
        assertThat(JournalIndex.read(dir, "another job", 1000).count()).isZero();
        // fewer prompts than the journal has
        Files.writeString(file, whole);
        assertThat(JournalIndex.read(dir, JOB, 7).count()).isEqualTo(7);
    }

    @Test
    void read_rowTwice_givesTheFirst() throws IOException {
        journal(1, 1).add(result(0, 0, "never flushed"));
        for (int rank : new int[]{2, 0, 1}) {
            Journal journal = journal(rank, 1);
            journal.add(result(0, 0, "of rank " + rank));
            journal.add(result(0, 0, "of rank " + rank + " again"));
            journal.stop();
        }
        JournalIndex index = index();
        assertThat(index.count()).isEqualTo(1);
        try (JournalResults results = index.results(1, prompt -> 1)) {
            assertThat(results.next().text()).isEqualTo("of rank 0");
        }
    }

    @Test
    void check_journalOfAnEarlierForm_isRefusedInASentence() throws IOException {
        Path journal = Files.createDirectory(dir.resolve("r.jsonl.journal"));
        Files.writeString(journal.resolve("rank-0.jsonl"), "{\"run\":1}\n{\"index\":0,\"id\":\"0\"}\n");
        Files.writeString(journal.resolve("job.json"), """
                {"run": 1, "name": "b20deb6f", "fingerprint": {"model": "m", "dtype": "float32", "prompts": "p",
                 "sampling": "s"}}""");
        Fingerprint job = new Fingerprint("m", "float32", "p", "s", "");
        try (JournalDirectory directory = directory("--resume")) {
            assertThatThrownBy(() -> directory.check(job)).isInstanceOf(UsageException.class)
                    .hasMessageEndingWith(
                            ".journal was written by another version of Lockstep; finish the job with that version, or remove "
                                    + dir + "/r.jsonl.journal to start over");
            for (String broken : List.of("null", "{}", "[]", "", "{\"format\":3}", "{\"format\":3,\"run\":1}")) {
                Files.writeString(journal.resolve("job.json"), broken);
                assertThatThrownBy(() -> directory.check(job)).as(broken).isInstanceOf(UsageException.class)
                        .hasMessageContaining("remove " + dir + "/r.jsonl.journal to start over");
            }
        }
        assertThatThrownBy(this::directory).isInstanceOf(UsageException.class).hasMessageContaining("add --resume");
    }
}
