package dev.lockstep.job;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Iterator;
import java.util.Locale;

/** Where the results go: {@code .json} is one pretty array, any other name JSON lines, {@code -} JSON lines on stdout. */
public final class ResultFile {
    private ResultFile() {}

    /**
     * Writes results one by one, in the order in which they come. A file is replaced as a whole once everything is
     * written.
     *
     * @param target a file or {@code -}
     * @param stdout what {@code -} means; stays open
     * @throws IOException when the results could not be written completely; an earlier file is then as it was
     */
    public static void write(Iterator<Result> results, String target, PrintStream stdout) throws IOException {
        if (target.equals("-")) {
            writeLines(results, stdout);
            if (stdout.checkError()) {
                throw new IOException("stdout was closed before all results were written");
            }
        } else if (target.toLowerCase(Locale.ROOT).endsWith(".json")) {
            TargetFile.write(target, out -> writeArray(results, out));
        } else {
            TargetFile.write(target, out -> writeLines(results, out));
        }
    }

    private static void writeLines(Iterator<Result> results, OutputStream out) throws IOException {
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

    private static void writeArray(Iterator<Result> results, OutputStream out) throws IOException {
        try (var array = Json.pretty().writeValuesAsArray(out)) {
            while (results.hasNext()) {
                array.write(results.next());
            }
        }
        out.write('\n');
    }
}
