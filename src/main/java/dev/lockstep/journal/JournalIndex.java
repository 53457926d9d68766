package dev.lockstep.journal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.journal.CrashSuspects.Sample;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.results.Result;
import dev.lockstep.results.Tally;

/**
 * What the journals of all ranks say: where each result lies and which rows are suspects. The results themselves stay on
 * disk. A line that is not exactly what this job wrote is left out, and of a row with several results the first counts, in
 * order of files and lines.
 */
public final class JournalIndex {
    private static final byte[] RESULT = "{\"index\":".getBytes(StandardCharsets.US_ASCII);
    private static final int OFFSET_BITS = 44;

    private final List<Path> files;
    private final LineSeal seal;
    private final int prompts;
    // of each result, its file and its offset there
    private final SampleOffsets places = new SampleOffsets();
    private final Tally tally = new Tally();
    private final List<CrashSuspects.Death> deaths = new ArrayList<>();
    private final CrashSuspects suspects;
    private int damaged;

    private JournalIndex(List<Path> files, String job, int prompts) throws IOException {
        this.files = files;
        this.seal = new LineSeal(job);
        this.prompts = prompts;
        for (int file = 0; file < files.size(); file++) {
            new Reading(file).run();
        }
        suspects = new CrashSuspects(deaths);
    }

    /**
     * Reads all journals of a directory; none where there is no such directory.
     *
     * @param job     what the job is called
     * @param prompts that it has at most
     */
    public static JournalIndex read(Path directory, String job, int prompts) throws IOException {
        return new JournalIndex(files(directory), job, prompts);
    }

    /** The journals of a directory in a fixed order. */
    public static List<Path> files(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(file -> file.getFileName().toString().matches("rank-\\d+\\.jsonl")).sorted().toList();
        }
    }

    /** Whether there are results, of whatever job. */
    static boolean hasResults(Path directory) throws IOException {
        for (Path file : files(directory)) {
            try (JournalLines lines = new JournalLines(file)) {
                while (lines.advance()) {
                    if (lines.startsWith(RESULT)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    public boolean has(int prompt, int sample) {
        return places.get(prompt, sample) != 0;
    }

    /** How many rows are there. */
    public int count() {
        return tally.results();
    }

    /** How many lines are not what this job wrote. */
    public int damaged() {
        return damaged;
    }

    /** What is held against a row that has no result; null: nothing. */
    public CrashSuspects.@Nullable Suspicion suspicion(int prompt, int sample) {
        return suspects.of(new Sample(prompt, sample));
    }

    /** The results so far in figures. */
    public Tally tally() {
        return tally;
    }

    /**
     * The results in order of prompts and samples, read one by one.
     *
     * @param all     prompts
     * @param samples of each of them
     * @throws IOException when some are missing; says how many
     */
    public JournalResults results(int all, IntUnaryOperator samples) throws IOException {
        long missing = 0;
        long wanted = 0;
        for (int prompt = 0; prompt < all; prompt++) {
            int ofPrompt = samples.applyAsInt(prompt);
            wanted += ofPrompt;
            for (int sample = 0; sample < ofPrompt; sample++) {
                missing += has(prompt, sample) ? 0 : 1;
            }
        }
        if (missing > 0) {
            throw new IOException(missing + " of " + wanted + (wanted == 1 ? " row" : " rows") + " cannot be found in "
                    + "the journal any more, which was damaged or removed while the job ran; run it again with "
                    + "--resume, which does what is missing");
        }
        return new JournalResults(files, seal, all, samples, (prompt, sample) -> {
            long place = places.get(prompt, sample);
            return new JournalResults.Place((int) (place >>> OFFSET_BITS) - 1, place & (1L << OFFSET_BITS) - 1);
        });
    }

    /** Goes through one file. */
    private final class Reading {
        private final int file;
        private final List<CrashSuspects.Death> deathsHere = new ArrayList<>();
        private final Set<Sample> underWay = new HashSet<>();
        private boolean apart;
        private int run;
        private boolean stopped = true;

        Reading(int file) {
            this.file = file;
        }

        void run() throws IOException {
            try (JournalLines lines = new JournalLines(files.get(file))) {
                while (lines.advance()) {
                    byte[] json = lines.json(seal);
                    if (json == null || !take(json, lines)) {
                        damaged++;
                        // it may have been the result of a row that seems to be under way
                        deathsHere.clear();
                        underWay.clear();
                    }
                }
            }
            endOfRun();
            deaths.addAll(deathsHere);
        }

        private boolean take(byte[] json, JournalLines lines) throws IOException {
            try {
                if (lines.startsWith(RESULT)) {
                    return result(Json.MAPPER.readValue(json, Result.class), lines.offset());
                }
                note(Json.MAPPER.readTree(json));
                return true;
            } catch (JsonProcessingException e) {
                return false;
            }
        }

        private void note(JsonNode note) {
            if (note.has("stop")) {
                begin(note.get("stop").asInt());
                stopped = true;
                underWay.clear();
                return;
            }
            begin(note.path("run").asInt());
            JsonNode end = note.path("end");
            if (!end.isMissingNode()) {
                underWay.remove(new Sample(end.path(0).asInt(), end.path(1).asInt()));
                return;
            }
            JsonNode start = note.path("start");
            apart = note.path("apart").asBoolean();
            for (int i = 0; i + 1 < start.size(); i += 2) {
                underWay.add(new Sample(start.get(i).asInt(), start.get(i + 1).asInt()));
            }
        }

        private void begin(int another) {
            if (another != run) {
                endOfRun();
                run = another;
                stopped = false;
            }
        }

        private void endOfRun() {
            if (!stopped) {
                deathsHere.add(new CrashSuspects.Death(run, Set.copyOf(underWay), apart));
            }
            underWay.clear();
        }

        private boolean result(Result result, long offset) {
            int prompt = result.index();
            int sample = result.sample();
            if (prompt < 0 || prompt >= prompts || sample < 0 || sample >= Prompt.MOST_SAMPLES) {
                return false;
            }
            if (!has(prompt, sample)) {
                places.put(prompt, sample, (file + 1L) << OFFSET_BITS | offset);
                tally.add(result.error(), sample == 0 ? result.promptTokens() : 0, result.completionTokens());
            }
            underWay.remove(new Sample(prompt, sample));
            return true;
        }
    }
}
