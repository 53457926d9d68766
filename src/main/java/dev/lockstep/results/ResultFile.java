package dev.lockstep.results;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.AtomicFile;
import dev.lockstep.json.Csv;
import dev.lockstep.json.Json;

/**
 * Where the results go: {@code .json} is one pretty array, {@code .npy} and {@code .safetensors} a matrix of embeddings,
 * {@code .csv} and {@code .tsv} a table ({@link CsvResults}), any other name JSON lines, {@code -} JSON lines on stdout.
 */
public final class ResultFile {
    private ResultFile() {}

    /**
     * Writes results one by one, in the order in which they come. A file is replaced as a whole once everything is
     * written. Rows that were requests of OpenAI's batch form are answered in that form, all samples in one object.
     *
     * @param count  of the results
     * @param target a file or {@code -}
     * @param stdout what {@code -} means; stays open
     * @throws IOException when the results could not be written completely; an earlier file is then as it was
     */
    public static void write(Iterator<Result> all, long count, String target, PrintStream stdout) throws IOException {
        if (isMatrix(target)) {
            AtomicFile.write(target, out -> MatrixFile.write(all, count, target, out));
            return;
        }
        if (Csv.isOne(target)) {
            AtomicFile.write(target, out -> CsvResults.write(all, Csv.separator(target), out));
            return;
        }
        Iterator<?> results = new Answers(all);
        if (target.equals("-")) {
            writeLines(results, stdout);
            if (stdout.checkError()) {
                throw new IOException("stdout was closed before all results were written");
            }
        } else if (target.toLowerCase(Locale.ROOT).endsWith(".json")) {
            AtomicFile.write(target, out -> writeArray(results, out));
        } else {
            AtomicFile.write(target, out -> writeLines(results, out));
        }
    }

    /** Whether a file of this name gets embeddings alone. */
    public static boolean isMatrix(String target) {
        return MatrixFile.isOne(target);
    }

    private static void writeLines(Iterator<?> results, OutputStream out) throws IOException {
        boolean any = results.hasNext();
        try (var lines = Json.MAPPER.writer().withRootValueSeparator("\n").writeValues(out)) {
            while (results.hasNext()) {
                lines.write(results.next());
            }
        }
        if (any) {
            out.write('\n');
        }
    }

    private static void writeArray(Iterator<?> results, OutputStream out) throws IOException {
        try (var array = Json.pretty().writeValuesAsArray(out)) {
            while (results.hasNext()) {
                array.write(results.next());
            }
        }
        out.write('\n');
    }

    /** Results, those of one OpenAI request as one answer. */
    private static final class Answers implements Iterator<Object> {
        private final Iterator<Result> results;
        // read already, and not yet part of an answer
        private @Nullable Result next;

        Answers(Iterator<Result> results) {
            this.results = results;
            advance();
        }

        private void advance() {
            next = results.hasNext() ? results.next() : null;
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Object next() {
            if (next == null) {
                throw new NoSuchElementException();
            }
            Result first = next;
            advance();
            if (first.openAi() == null) {
                return first;
            }
            List<Result> samples = new ArrayList<>(List.of(first));
            while (next != null && next.index() == first.index()) {
                samples.add(next);
                advance();
            }
            return OpenAiAnswer.of(first.openAi(), samples);
        }
    }
}
