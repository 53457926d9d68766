package dev.lockstep.prompts;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.ModelException;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.Sha256;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

/**
 * The input as rank 0 has it: looked through once and then read again row by row, so that it need not fit in memory. What
 * can be read only once (stdin, a pipe) is looked at as far as its first rows.
 */
public final class PromptFile implements Closeable {
    /** So many rows of a pipe are known before the job starts. */
    private static final int WINDOW = 1024;

    private final String source;
    private final InputStream stdin;
    private final String digest;
    private final OptionalInt rows;
    private final OptionalLong results;
    private final Function<Prompt, Prompt> finishing;
    // null: a file, which can be read again
    private final @Nullable Once once;
    // of a file, a sum of each row
    private final int[] sums;
    private final List<PromptReader> open = new ArrayList<>();

    /**
     * What can be read only once.
     *
     * @param window its first rows
     */
    private record Once(List<Prompt> window, PromptReader rest) {}

    private PromptFile(String source, InputStream stdin, String digest, OptionalInt rows, OptionalLong results,
            Function<Prompt, Prompt> finishing, @Nullable Once once, int[] sums) {
        this.sums = sums;
        this.finishing = finishing;
        this.source = source;
        this.stdin = stdin;
        this.digest = digest;
        this.rows = rows;
        this.results = results;
        this.once = once;
    }

    /**
     * @param stdin   what {@code -} means
     * @param inBlocks {@link #block} will be called, which takes the number of rows and so all of a pipe
     * @param samples of a row that does not say how many
     * @param finishing what every row goes through after it is read
     * @throws UsageException when the source cannot be used as a whole
     */
    public static PromptFile survey(String source, InputStream stdin, boolean inBlocks, int samples,
            Function<Prompt, Prompt> finishing) throws IOException {
        PromptReader reader = PromptReader.open(source, stdin);
        MessageDigest digest = Sha256.digest();
        boolean again = !source.equals("-") && Files.isRegularFile(Path.of(source));
        List<Prompt> window = new ArrayList<>();
        int[] sums = new int[again ? 1024 : 0];
        int rows = 0;
        long results = 0;
        String broken = null; // what is wrong with the first row, while all so far are broken
        while ((again || inBlocks || rows < WINDOW) && reader.hasNext()) {
            Prompt prompt = finished(reader.next(), finishing);
            byte[] json = Json.MAPPER.writeValueAsBytes(prompt);
            digest.update(json);
            if (again) {
                sums = rows < sums.length ? sums : Arrays.copyOf(sums, rows + rows / 2);
                sums[rows] = sum(json);
            } else {
                window.add(prompt);
            }
            if (rows == 0 || prompt.error() == null) {
                broken = prompt.error();
            }
            rows++;
            results += prompt.samplesOr(samples);
        }
        reader.names().sentence().ifPresent(sentence -> System.err.println("generate: " + sentence));
        boolean all = again || inBlocks || rows < WINDOW;
        if (all) {
            requirePrompts(source, rows, broken);
        }
        if (again) {
            reader.close();
        }
        return new PromptFile(source, stdin, HexFormat.of().formatHex(digest.digest()),
                all ? OptionalInt.of(rows) : OptionalInt.empty(),
                all ? OptionalLong.of(results) : OptionalLong.empty(), finishing,
                again ? null : new Once(window, reader), Arrays.copyOf(sums, again ? rows : 0));
    }

    /** Nobody waits for a model to hear that there was nothing for it to do. */
    private static void requirePrompts(String source, int rows, @Nullable String broken) {
        String name = source.equals("-") ? "stdin" : source;
        if (rows == 0) {
            throw new UsageException("there are no prompts in " + name + ": give one a line");
        }
        if (broken != null) {
            throw new UsageException(name + " has no row that is a prompt, of " + rows
                    + (rows == 1 ? " row: " : " rows; the first: ") + broken);
        }
    }

    private static int sum(byte[] json) {
        CRC32C sum = new CRC32C();
        sum.update(json);
        return (int) sum.getValue();
    }

    private static Prompt finished(Prompt prompt, Function<Prompt, Prompt> finishing) {
        try {
            return finishing.apply(prompt);
        } catch (UsageException | ModelException | LibraryException e) {
            throw e; // no row's
        } catch (RuntimeException | StackOverflowError e) {
            return prompt.broken(PromptError.of(e));
        }
    }

    /** How many there are, where that is known. */
    public OptionalInt rows() {
        return rows;
    }

    /** How many results they ask for, known where {@link #rows} is. */
    public OptionalLong results() {
        return results;
    }

    /** What the input comes to in 64 digits; of a pipe, its first rows. */
    public String digest() {
        return digest;
    }

    /**
     * All rows; of a pipe only once. The iterator throws a {@link UsageException} at a row that is not what it was.
     */
    public Iterator<Prompt> all() {
        if (once == null) {
            return new Again(0, sums.length);
        }
        PromptReader rest = once.rest;
        return Stream.concat(once.window.stream(), Stream.generate(() -> rest)
                .takeWhile(PromptReader::hasNext).map(PromptReader::next)
                .map(prompt -> finished(prompt, finishing))).iterator();
    }

    /** The rows from one up to, and without, another, likewise. */
    public Iterator<Prompt> block(int start, int end) {
        return once == null
                ? new Again(start, end)
                : once.window.subList(start, end).iterator();
    }

    /** Rows of a file that is read once more, and may be another one by now. */
    private final class Again implements Iterator<Prompt> {
        private final PromptReader reader = reader();
        private final int end;
        private int row;

        Again(int start, int end) {
            this.end = end;
            while (row < start && reader.hasNext()) {
                reader.next();
                row++;
            }
        }

        @Override
        public boolean hasNext() {
            if (row == sums.length && reader.hasNext()) {
                throw changed("it has more rows now");
            }
            return row < end;
        }

        @Override
        public Prompt next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            if (!reader.hasNext()) {
                throw changed("it has only " + row + " rows now");
            }
            Prompt prompt = finished(reader.next(), finishing);
            try {
                if (sum(Json.MAPPER.writeValueAsBytes(prompt)) != sums[row]) {
                    throw changed("row " + row + " is not what it was");
                }
            } catch (JsonProcessingException e) {
                throw new UncheckedIOException(e);
            }
            row++;
            return prompt;
        }

        private UsageException changed(String how) {
            return new UsageException(
                    "--prompts " + source + " changed while the job ran, " + how + "; put back what it "
                            + "was and go on with --resume, or remove the journal and begin anew");
        }
    }

    private PromptReader reader() {
        PromptReader reader = PromptReader.open(source, stdin);
        open.add(reader);
        return reader;
    }

    @Override
    public void close() {
        try {
            for (PromptReader reader : open) {
                reader.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
