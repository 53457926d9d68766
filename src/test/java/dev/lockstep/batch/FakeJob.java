package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

import dev.lockstep.fixtures.Runs;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.journal.CrashSuspects;
import dev.lockstep.journal.Fingerprint;
import dev.lockstep.journal.Journal;
import dev.lockstep.journal.JournalDirectory;
import dev.lockstep.journal.JournalFile;
import dev.lockstep.journal.JournalIndex;
import dev.lockstep.journal.JournalResults;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptFile;
import dev.lockstep.results.Result;
import dev.lockstep.results.ResultFile;

/**
 * The generate job in one process and without a model: everything around the journal is the real thing, ranks are simulated.
 * Two of three rows begin like others. Some rows may be poison, which kills the rank that has them under way, at once or later.
 */
public final class FakeJob {
    /** How a run ended. */
    public enum End {
        DONE, RANK_DIED, LAUNCHER_DIED
    }

    /** What ends a run from outside: nothing, one rank or all of them killed after so many events. */
    public record Kill(int afterEvents, boolean launcher) {
        public static final Kill NONE = new Kill(Integer.MAX_VALUE, false);
    }

    private static final Fingerprint FINGERPRINT = new Fingerprint("m", "float32", "p", "s", "");

    private final Path directory;
    private final int rows;
    private final Set<Integer> poison;
    private final Random random;

    public FakeJob(Path directory, int rows, Set<Integer> poison, Random random) throws IOException {
        this.directory = directory;
        this.rows = rows;
        this.poison = poison;
        this.random = random;
        Files.write(directory.resolve("p.txt"), IntStream.range(0, rows)
                .mapToObj(row -> "beginning ".repeat(10 * (row % 3)) + row % 3 + " prompt " + row).toList());
    }

    public Path results() {
        return directory.resolve("r.jsonl");
    }

    Path journal() {
        return directory.resolve("r.jsonl.journal");
    }

    /** The results of an undisturbed run, as far as they do not depend on the rank. */
    public List<String> expected() {
        return IntStream.range(0, rows).mapToObj(row -> text(row)).toList();
    }

    private static String text(int row) {
        return "text of " + row + " \u00e9}\n";
    }

    /** The rows that the finished results say are set aside. */
    public Set<Integer> setAside() throws IOException {
        Set<Integer> aside = new TreeSet<>();
        for (var row : Runs.rows(results())) {
            if (row.path("error").asText().startsWith("the row is set aside: its rank died ")) {
                aside.add(row.get("index").asInt());
            }
        }
        return aside;
    }

    private final class Rank {
        private final int number;
        private final Journal journal;
        private final Deque<WorkQueue.Item> queue = new ArrayDeque<>();
        private final List<WorkQueue.Item> underWay = new ArrayList<>();
        private boolean over;

        Rank(int number, int run) throws IOException {
            this.number = number;
            this.journal = new Journal(new JournalFile(journal(), number), FINGERPRINT.job(), run);
        }

        boolean isThrough() {
            return over && queue.isEmpty() && underWay.isEmpty();
        }

        /** One thing that a rank does; false when it dies of it. */
        boolean act(WorkQueue workQueue, int slots) {
            if (!underWay.isEmpty() && underWay.stream().anyMatch(FakeJob.this::kills)) {
                return false;
            }
            int free = slots - underWay.size();
            boolean apart = underWay.stream().anyMatch(WorkQueue.Item::apart);
            if (queue.isEmpty() && !over && !apart && free > 0) {
                WorkQueue.Grant grant = workQueue.deal(number, free, 0, underWay.isEmpty());
                over = grant.over();
                queue.addAll(grant.work());
            }
            if (free > 0 && !queue.isEmpty() && random.nextInt(3) > 0) {
                return begin(free);
            }
            if (!underWay.isEmpty()) {
                // whoever is last of some may run for long
                return end(underWay.get(random.nextInt(underWay.size())));
            }
            return true;
        }

        private boolean begin(int free) {
            List<WorkQueue.Item> begun = new ArrayList<>();
            while (begun.size() < free && !queue.isEmpty()) {
                begun.add(queue.remove());
            }
            journal.starting(
                    begun.stream().map(work -> new CrashSuspects.Sample(work.prompt().index(), work.from())).toList(),
                    begun.get(0).apart());
            for (WorkQueue.Item work : begun) {
                Prompt prompt = work.prompt();
                if (prompt.error() != null) {
                    journal.add(Result.failed(prompt, work.from(), 0, number, prompt.error()));
                } else {
                    underWay.add(work);
                }
            }
            journal.flush();
            return true;
        }

        private boolean end(WorkQueue.Item work) {
            if (poison.contains(work.prompt().index())) {
                return false;
            }
            underWay.remove(work);
            int row = work.prompt().index();
            journal.add(new Result(row, Integer.toString(row), 0, work.prompt().text(), text(row), new int[]{row}, 3, 1,
                    FinishReason.LENGTH, number, null));
            journal.flush();
            return true;
        }
    }

    private boolean kills(WorkQueue.Item work) {
        return poison.contains(work.prompt().index()) && random.nextInt(8) == 0;
    }

    JournalDirectory open(String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("--output", results().toString()));
        args.addAll(List.of(more));
        GenerateOptions options = GenerateOptions.parse(args.toArray(String[]::new));
        return JournalDirectory.of(options.output(), options.resume(), "");
    }

    /**
     * A run with {@code --resume}.
     *
     * @param together whether ranks that have poison under way die with the first
     */
    public End run(int ranks, int slots, Kill kill, boolean together) throws IOException {
        try (JournalDirectory job = open("--resume");
                PromptFile prompts = PromptFile.survey(directory.resolve("p.txt").toString(), null, false, 1,
                        row -> row)) {
            job.check(FINGERPRINT);
            int run = job.begin(FINGERPRINT, "").run();
            JournalIndex past = JournalIndex.read(journal(), FINGERPRINT.job(), rows);
            WorkQueue workQueue = new WorkQueue(prompts, ranks, false, 1, past);
            List<Rank> all = new ArrayList<>();
            for (int rank = 0; rank < ranks; rank++) {
                all.add(new Rank(rank, run));
            }
            for (int event = 0; !all.stream().allMatch(Rank::isThrough); event++) {
                Rank rank = all.get(random.nextInt(ranks));
                if (event >= kill.afterEvents && kill.launcher) {
                    return End.LAUNCHER_DIED;
                }
                if (event >= kill.afterEvents || !rank.act(workQueue, slots)) {
                    all.stream().filter(other -> other != rank
                            && !(together && other.underWay.stream().anyMatch(
                                    work -> poison.contains(work.prompt().index()))))
                            .forEach(other -> other.journal.stop());
                    return End.RANK_DIED;
                }
            }
            all.forEach(rank -> rank.journal.stop());
            job.stay();
            JournalIndex index = JournalIndex.read(journal(), FINGERPRINT.job(), workQueue.prompts());
            try (JournalResults results = index.results(workQueue.prompts(), workQueue::samples)) {
                ResultFile.write(results, 0, results().toString(), null);
            }
            job.remove();
            return End.DONE;
        }
    }
}
