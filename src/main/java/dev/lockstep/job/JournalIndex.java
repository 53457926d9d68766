package dev.lockstep.job;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * What the journals of all ranks say: where each result lies and which rows a rank died of. A row is a sample of a prompt.
 * The results themselves stay on disk.
 */
final class JournalIndex {
    private static final byte[] RESULT = "{\"index\":".getBytes(StandardCharsets.US_ASCII);
    private static final int OFFSET_BITS = 44;

    private record Row(int prompt, int sample) {}

    private final List<Path> files;
    // of each result, its file and its offset there
    private final Places places = new Places();
    private final Tally tally = new Tally();
    /** By run, the rows that were under way on each rank that did not end in good order. */
    private final Map<Integer, List<Set<Row>>> lost = new HashMap<>();
    private final Map<Row, Integer> strikes = new HashMap<>();

    private JournalIndex(List<Path> files) {
        this.files = files;
    }

    /** Reads all journals of a directory; none where there is no such directory. */
    static JournalIndex read(Path directory) throws IOException {
        List<Path> files = files(directory);
        JournalIndex index = new JournalIndex(files);
        for (int file = 0; file < files.size(); file++) {
            index.read(file);
        }
        // when several ranks went at the same time it was no row's doing
        index.lost.values().stream().filter(ranks -> ranks.size() == 1)
                .forEach(ranks -> ranks.get(0).forEach(row -> index.strikes.merge(row, 1, Integer::sum)));
        return index;
    }

    static List<Path> files(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(file -> file.getFileName().toString().matches("rank-\\d+\\.jsonl")).sorted().toList();
        }
    }

    boolean has(int prompt, int sample) {
        return places.get(prompt, sample) != 0;
    }

    /** How many rows are there. */
    int count() {
        return tally.results();
    }

    /** So many times a rank died while this row, which has no result, was under way on it alone of all ranks. */
    int strikes(int prompt, int sample) {
        return strikes.getOrDefault(new Row(prompt, sample), 0);
    }

    /** The results so far in figures. */
    Tally tally() {
        return tally;
    }

    /**
     * The results in order of prompts and samples, read one by one.
     *
     * @param results how many there have to be
     * @throws UsageException when there are more or fewer
     */
    JournalResults results(int prompts, long results) throws IOException {
        if (count() != results) {
            throw new UsageException("the journal has " + count() + " results, and the prompts ask for " + results
                    + ": did they change while the job ran?");
        }
        return new JournalResults(files, prompts, (prompt, sample) -> {
            long place = places.get(prompt, sample);
            return place == 0
                    ? null
                    : new JournalResults.Place((int) (place >>> OFFSET_BITS) - 1, place & (1L << OFFSET_BITS) - 1);
        });
    }

    private void read(int file) throws IOException {
        Set<Row> underWay = new HashSet<>();
        int run = 0;
        try (InputStream in = Files.newInputStream(files.get(file)); Lines lines = new Lines(in)) {
            while (lines.advance()) {
                try {
                    if (lines.startWith(RESULT)) {
                        underWay.remove(result(lines, file));
                        continue;
                    }
                    JsonNode note = Json.MAPPER.readTree(lines.bytes());
                    if (note.has("run")) {
                        endOfRun(run, underWay);
                        run = note.get("run").asInt();
                    } else if (note.has("stop")) {
                        underWay.clear();
                    }
                    JsonNode start = note.path("start");
                    for (int i = 0; i + 1 < start.size(); i += 2) {
                        underWay.add(new Row(start.get(i).asInt(), start.get(i + 1).asInt()));
                    }
                } catch (JsonProcessingException e) {
                    // a line that was being written when the process, or the host, died
                }
            }
        }
        endOfRun(run, underWay);
    }

    private void endOfRun(int run, Set<Row> underWay) {
        if (!underWay.isEmpty()) {
            lost.computeIfAbsent(run, any -> new ArrayList<>()).add(new HashSet<>(underWay));
            underWay.clear();
        }
    }

    private Row result(Lines lines, int file) throws IOException {
        int prompt = -1;
        int sample = -1;
        int promptTokens = 0;
        int completionTokens = 0;
        String error = null;
        try (JsonParser parser = Json.MAPPER.createParser(lines.bytes())) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "index" -> prompt = parser.getIntValue();
                    case "sample" -> sample = parser.getIntValue();
                    case "prompt_tokens" -> promptTokens = parser.getIntValue();
                    case "completion_tokens" -> completionTokens = parser.getIntValue();
                    case "error" -> error = parser.getText();
                    default -> parser.skipChildren();
                }
            }
        }
        if (!has(prompt, sample)) {
            tally.add(error, sample == 0 ? promptTokens : 0, completionTokens);
        }
        places.put(prompt, sample, (file + 1L) << OFFSET_BITS | lines.offset());
        return new Row(prompt, sample);
    }

    /** Whole lines of a file with where they begin; one without an end is none. */
    private static final class Lines implements AutoCloseable {
        private final InputStream in;
        private byte[] buffer = new byte[1 << 16];
        private long bufferAt;
        private int start;
        private int end;
        private int next;
        private int filled;

        Lines(InputStream in) {
            this.in = in;
        }

        boolean advance() throws IOException {
            start = next;
            for (int at = start;; at++) {
                if (at == filled) {
                    int kept = filled - start;
                    bufferAt += start;
                    byte[] next = start > 0 && kept < buffer.length / 2 ? buffer : new byte[2 * buffer.length];
                    System.arraycopy(buffer, start, next, 0, kept);
                    buffer = next;
                    start = 0;
                    at = kept;
                    int more = in.read(buffer, kept, buffer.length - kept);
                    if (more <= 0) {
                        return false;
                    }
                    filled = kept + more;
                }
                if (buffer[at] == '\n') {
                    end = at;
                    next = at + 1;
                    return true;
                }
            }
        }

        byte[] bytes() {
            return Arrays.copyOfRange(buffer, start, end);
        }

        long offset() {
            return bufferAt + start;
        }

        boolean startWith(byte[] prefix) {
            return Arrays.equals(buffer, start, Math.min(end, start + prefix.length), prefix, 0, prefix.length);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
