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
 * What the journals of all ranks say: where each result lies, in 8 bytes a row, and which rows a rank died of. The results
 * themselves stay on disk.
 */
final class JournalIndex {
    private static final byte[] RESULT = "{\"index\":".getBytes(StandardCharsets.US_ASCII);
    private static final int OFFSET_BITS = 44;

    private final int samples;
    private final List<Path> files;
    // by row, file and offset; 0: not there
    private long[] places = new long[1024];
    private int count;
    private final Tally tally = new Tally();
    /** By run, the rows that were under way on each rank that did not end in good order. */
    private final Map<Integer, List<Set<Integer>>> lost = new HashMap<>();
    private final Map<Integer, Integer> strikes = new HashMap<>();

    private JournalIndex(int samples, List<Path> files) {
        this.samples = samples;
        this.files = files;
    }

    /**
     * Reads all journals of a directory; none where there is no such directory.
     *
     * @param samples results for each prompt
     */
    static JournalIndex read(Path directory, int samples) throws IOException {
        List<Path> files = files(directory);
        JournalIndex index = new JournalIndex(samples, files);
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

    /** The row's number among all rows. */
    int row(int index, int sample) {
        long row = (long) index * samples + sample;
        if (row > Integer.MAX_VALUE - 8) {
            throw new UsageException("--num-samples: this job has more than 2,147,483,639 rows; split the prompts");
        }
        return (int) row;
    }

    boolean has(int row) {
        return row < places.length && places[row] != 0;
    }

    /** How many rows are there. */
    int count() {
        return count;
    }

    /** So many times a rank died while this row, which has no result, was under way on it alone of all ranks. */
    int strikes(int row) {
        return strikes.getOrDefault(row, 0);
    }

    /** The results so far in figures. */
    Tally tally() {
        return tally;
    }

    /** The results in order of the rows, read one by one. */
    JournalResults results(int rows) throws IOException {
        return new JournalResults(files, rows, row -> {
            if (!has(row)) {
                throw new IllegalStateException("row " + row / samples + ", sample " + row % samples
                        + ", is missing from the journal: did the prompts change while the job ran?");
            }
            return new JournalResults.Place((int) (places[row] >>> OFFSET_BITS) - 1,
                    places[row] & (1L << OFFSET_BITS) - 1);
        });
    }

    private void read(int file) throws IOException {
        Set<Integer> underWay = new HashSet<>();
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
                        underWay.add(row(start.get(i).asInt(), start.get(i + 1).asInt()));
                    }
                } catch (JsonProcessingException e) {
                    // a line that was being written when the process, or the host, died
                }
            }
        }
        endOfRun(run, underWay);
    }

    private void endOfRun(int run, Set<Integer> underWay) {
        if (!underWay.isEmpty()) {
            lost.computeIfAbsent(run, any -> new ArrayList<>()).add(new HashSet<>(underWay));
            underWay.clear();
        }
    }

    /** @return the row */
    private int result(Lines lines, int file) throws IOException {
        int index = -1;
        int sample = -1;
        int promptTokens = 0;
        String error = null;
        try (JsonParser parser = Json.MAPPER.createParser(lines.bytes())) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "index" -> index = parser.getIntValue();
                    case "sample" -> sample = parser.getIntValue();
                    case "prompt_tokens" -> promptTokens = parser.getIntValue();
                    case "error" -> error = parser.getText();
                    default -> parser.skipChildren();
                }
            }
        }
        int row = row(index, sample);
        if (!has(row)) {
            tally.add(error, sample == 0 ? promptTokens : 0);
            count++;
        }
        if (row >= places.length) {
            places = Arrays.copyOf(places,
                    (int) Math.min(Integer.MAX_VALUE - 8, Math.max(row + 1L, 2L * places.length)));
        }
        places[row] = (file + 1L) << OFFSET_BITS | lines.offset();
        return row;
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
