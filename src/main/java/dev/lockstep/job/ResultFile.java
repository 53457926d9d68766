package dev.lockstep.job;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/** Where the results go: {@code .json} is one pretty array, any other name JSON lines, {@code -} JSON lines on stdout. */
public final class ResultFile {
    private ResultFile() {}

    /**
     * Writes all results, ordered by index and sample. A file is replaced as a whole once everything is written. Rows that
     * were requests of OpenAI's batch form are answered in that form, all samples in one object.
     *
     * @param request by index, the request that the row was; null for a row of our own form
     * @param target a file or {@code -}
     * @param stdout what {@code -} means; stays open
     * @throws IOException when the results could not be written completely; an earlier file is then as it was
     */
    public static void write(List<Result> results, IntFunction<OpenAiRequest> request, String target,
            PrintStream stdout) throws IOException {
        var ordered = answers(request, results.stream()
                .sorted(Comparator.comparingInt(Result::index).thenComparingInt(Result::sample)).toList());
        if (target.equals("-")) {
            writeLines(ordered, stdout);
            if (stdout.checkError()) {
                throw new IOException("stdout was closed before all results were written");
            }
        } else if (target.toLowerCase(Locale.ROOT).endsWith(".json")) {
            TargetFile.write(target, out -> writeArray(ordered, out));
        } else {
            TargetFile.write(target, out -> writeLines(ordered, out));
        }
    }

    private static List<?> answers(IntFunction<OpenAiRequest> request, List<Result> results) {
        var answers = new ArrayList<Object>();
        for (int begin = 0; begin < results.size();) {
            int index = results.get(begin).index();
            int end = begin + 1;
            while (end < results.size() && results.get(end).index() == index) {
                end++;
            }
            var samples = results.subList(begin, end);
            if (request.apply(index) != null) {
                answers.add(OpenAiAnswer.of(request.apply(index), samples));
            } else {
                answers.addAll(samples);
            }
            begin = end;
        }
        return answers;
    }

    private static void writeLines(List<?> results, OutputStream out) throws IOException {
        try (var lines = Json.MAPPER.writer().withRootValueSeparator("\n").writeValues(out)) {
            lines.writeAll(results);
        }
        if (!results.isEmpty()) {
            out.write('\n');
        }
    }

    private static void writeArray(List<?> results, OutputStream out) throws IOException {
        try (var array = Json.pretty().writeValuesAsArray(out)) {
            array.writeAll(results);
        }
        out.write('\n');
    }
}
