package dev.lockstep.batch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

import dev.lockstep.batch.FakeJob.End;
import dev.lockstep.batch.FakeJob.Kill;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.host.UsageException;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.journal.LineSeal;

/**
 * Damages the journal of a job that was killed, again and again, and goes on with it: the job must end, with the results that
 * it would have had, or refuse to go on in one sentence that says what to remove. {@code src/test/soak/journal.sh} runs it for
 * long.
 */
public final class JournalFuzz {
    private static final int ROWS = 40;

    private final Path directory;
    private final Random random;
    private final Path good;
    private final Path other;
    private final List<String> expected;
    /** How often it came to what. */
    public final Map<String, Integer> outcomes = new TreeMap<>();

    public JournalFuzz(Path directory, long seed) throws IOException {
        this.directory = directory;
        this.random = new Random(seed);
        FakeJob job = killed(directory.resolve("good"));
        good = job.journal();
        expected = job.expected();
        // of the same model and other prompts, as its name says
        other = Files.createDirectory(directory.resolve("other"));
        for (Path file : JournalIndex.files(good)) {
            Files.writeString(other.resolve(file.getFileName()), reseal(file));
        }
    }

    private FakeJob killed(Path where) throws IOException {
        FakeJob job = new FakeJob(Files.createDirectory(where), ROWS, Set.of(), random);
        for (int run = 0; run < 3; run++) {
            if (job.run(3, 4, new Kill(30 - 5 * run, run == 0), false) == End.DONE) {
                throw new AssertionError("the job was to be killed");
            }
        }
        return job;
    }

    /** The lines of a journal as another job would have them. */
    private static String reseal(Path file) throws IOException {
        var out = new ByteArrayOutputStream();
        LineSeal seal = new LineSeal("another job");
        for (String line : Files.readAllLines(file)) {
            seal.write(line.substring(0, line.length() - 9).replace("text of", "answer of")
                    .getBytes(StandardCharsets.UTF_8), out);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private Path anyJournal(Path journal) throws IOException {
        List<Path> files = JournalIndex.files(journal);
        return files.get(random.nextInt(files.size()));
    }

    /** One bit of any file. */
    private String flip(Path journal) throws IOException {
        List<Path> files = new ArrayList<>(JournalIndex.files(journal));
        files.add(journal.resolve("job.json"));
        // an edit before may have removed or emptied one
        files.removeIf(file -> file.toFile().length() == 0);
        if (files.isEmpty()) {
            return "nothing left to flip";
        }
        Path file = files.get(random.nextInt(files.size()));
        byte[] bytes = Files.readAllBytes(file);
        int bit = random.nextInt(8 * bytes.length);
        bytes[bit / 8] ^= (byte) (1 << bit % 8);
        Files.write(file, bytes);
        return "bit " + bit + " of " + file.getFileName();
    }

    /** What somebody might do by hand, or a file system. */
    private String edit(Path journal) throws IOException {
        Path file = anyJournal(journal);
        String text = Files.readString(file);
        List<String> lines = new ArrayList<>(text.lines().toList());
        int line = random.nextInt(lines.size());
        int kind = random.nextInt(14);
        switch (kind) {
            case 0 -> text = text.replaceFirst("\"length\"", "\"lenguh\"");
            case 1 -> text = text.replaceFirst("\"index\":\\d+", "\"index\":" + List.of("23", "-5", "2000000000", "1e3",
                    "99999999999999999999", "null", "[]").get(random.nextInt(7)));
            case 2 -> text = text.replaceFirst("\"index\":\\d+,", "");
            case 3 -> text = text.replaceFirst("\"sample\":0", "\"sample\":1000000000");
            case 4 -> text = text.replaceFirst("\\{\"index\"", "{\"more\":1,\"index\"");
            case 5 -> Files.copy(other.resolve(anyJournal(other).getFileName()), file,
                    StandardCopyOption.REPLACE_EXISTING);
            case 6 -> Files.copy(file, journal.resolve("rank-" + random.nextInt(9) + ".jsonl"),
                    StandardCopyOption.REPLACE_EXISTING);
            case 7 -> Files.writeString(journal.resolve("job.json"), List.of("null", "{}", "[]", "", "{\"run\":1}", "1",
                    "{\"format\":3}", "{\"run\":1,\"name\":\"x\"}").get(random.nextInt(8)));
            case 8 -> Files.delete(random.nextBoolean() ? file : journal.resolve("job.json"));
            case 9 -> text = text.substring(0, random.nextInt(text.length()));
            case 10 -> {
                lines.add(lines.remove(line));
                text = String.join("\n", lines) + "\n";
            }
            case 11 -> {
                lines.remove(line);
                text = String.join("\n", lines) + "\n";
            }
            case 12 -> text = text.replace("\"stop\"", "\"stip\"") + "\u0000\u0000\n\n{\n";
            default -> {
                int at = random.nextInt(text.length());
                text = text.substring(0, at) + "\n" + text.substring(at);
            }
        }
        if (kind < 5 || kind > 8) {
            Files.writeString(file, text);
        }
        return "edit " + kind + " of " + file.getFileName();
    }

    /** @throws AssertionError when it comes to a wrong end */
    public void once(int number) throws IOException {
        Path where = Files.createDirectory(directory.resolve("case"));
        FakeJob job = new FakeJob(where, ROWS, Set.of(), random);
        copy(good, job.journal());
        String what = number % 4 == 0 ? edit(job.journal()) : flip(job.journal());
        for (int more = number % 7 == 0 ? random.nextInt(5) : 0; more > 0; more--) {
            what += ", " + flip(job.journal());
        }
        try {
            if (job.run(1 + random.nextInt(3), 4, Kill.NONE, false) != End.DONE) {
                throw new AssertionError(what + ": the job did not end");
            }
            if (!Runs.field(Runs.rows(job.results()), "text").equals(expected)) {
                throw new AssertionError(what + ": the results are " + Files.readString(job.results()));
            }
            outcomes.merge("right results", 1, Integer::sum);
        } catch (UsageException e) {
            if (!e.getMessage().contains("r.jsonl.journal to start over")) {
                throw new AssertionError(what, e);
            }
            outcomes.merge(e.getMessage().replaceAll(".*r.jsonl.journal(/job.json)?,? ", ""), 1, Integer::sum);
        } catch (RuntimeException | IOException e) {
            throw new AssertionError(what, e);
        }
        try (Stream<Path> files = Files.walk(where)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    /** {@code CASES SEED} */
    public static void main(String[] args) throws IOException {
        Path directory = Files.createTempDirectory("journal-fuzz");
        JournalFuzz fuzz = new JournalFuzz(directory, Long.parseLong(args[1]));
        int cases = Integer.parseInt(args[0]);
        for (int number = 0; number < cases; number++) {
            fuzz.once(number);
        }
        System.out.println(cases + " damaged journals: " + fuzz.outcomes);
    }
}
