package dev.lockstep.prompts;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.LibraryException;
import dev.lockstep.host.Sha256;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.model.ModelException;

/**
 * The input as rank 0 has it: looked through once and then read again row by row, so that it need not fit in memory. What
 * can be read only once (stdin, a pipe) is looked at as far as its first rows.
 */
public final class PromptFile implements Closeable {
    /** So many rows of a pipe are known before the job starts. */
    private static final int WINDOW = 1024;

    /** Reads rows that are known once more, each once. */
    public interface Rows {
        /** @throws UsageException when the row is not what it was */
        Prompt read(int row);

        /**
         * To be called when all were read.
         *
         * @throws UsageException when there are more now
         */
        void end();
    }

    private final String digest;
    private final boolean whole;
    private final int known;
    private final long results;
    private final RowOrder order;
    private final Function<Prompt, Prompt> finishing;
    // null: what can be read only once
    private final @Nullable RereadFile file;
    // of what can be read only once, its first rows
    private final List<Prompt> window;
    private final @Nullable PromptReader rest;

    private PromptFile(String digest, boolean whole, int known, long results, RowOrder order,
            Function<Prompt, Prompt> finishing, @Nullable RereadFile file, List<Prompt> window,
            @Nullable PromptReader rest) {
        this.digest = digest;
        this.whole = whole;
        this.known = known;
        this.results = results;
        this.order = order;
        this.finishing = finishing;
        this.file = file;
        this.window = window;
        this.rest = rest;
    }

    /**
     * @param stdin   what {@code -} means
     * @param inBlocks the number of rows must be known before the first is dealt, which takes all of a pipe
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
        long[] offsets = new long[again ? 1024 : 0];
        boolean anywhere = true; // each row can be read without those before it
        Beginnings beginnings = new Beginnings();
        int rows = 0;
        long results = 0;
        String broken = null; // what is wrong with the first row, while all so far are broken
        while ((again || inBlocks || rows < WINDOW) && reader.hasNext()) {
            Prompt prompt = finished(reader.next(), finishing);
            byte[] json = Json.MAPPER.writeValueAsBytes(prompt);
            digest.update(json);
            if (again) {
                if (rows == sums.length) {
                    sums = Arrays.copyOf(sums, rows + rows / 2);
                    offsets = Arrays.copyOf(offsets, rows + rows / 2);
                }
                sums[rows] = sum(json);
                offsets[rows] = reader.offset();
                anywhere &= reader.offset() >= 0;
            } else {
                window.add(prompt);
            }
            beginnings.add(prompt.textOrEmpty());
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
        String sum = HexFormat.of().formatHex(digest.digest());
        RowOrder order = anywhere ? beginnings.order() : RowOrder.asTheyStand(0, rows);
        if (!again) {
            return new PromptFile(sum, all, rows, results, order, finishing, null, window, reader);
        }
        reader.close();
        RereadFile file = new RereadFile(source, prompt -> finished(prompt, finishing), Arrays.copyOf(sums, rows),
                Arrays.copyOf(offsets, order.isAsTheyStand() ? 0 : rows), Files.size(Path.of(source)), order);
        return new PromptFile(sum, true, rows, results, order, finishing, file, List.of(), null);
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

    static int sum(byte[] json) {
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
        return whole ? OptionalInt.of(known) : OptionalInt.empty();
    }

    /** How many results they ask for, known where {@link #rows} is. */
    public OptionalLong results() {
        return whole ? OptionalLong.of(results) : OptionalLong.empty();
    }

    /** What the input comes to in 64 digits; of a pipe, its first rows. */
    public String digest() {
        return digest;
    }

    /** The rows that are known, in the order that they are best done in: all of a file, the first of a pipe. */
    public RowOrder order() {
        return order;
    }

    /** For reading known rows from one up to, and without, another; rows that begin like others in any order. */
    public Rows reread(int start, int end) {
        if (file != null) {
            return file.rows(start, end);
        }
        return new Rows() {
            @Override
            public Prompt read(int row) {
                return window.get(row);
            }

            @Override
            public void end() {
                // what was read only once has not changed
            }
        };
    }

    /** What comes after the rows that are known; to be called once. */
    public Iterator<Prompt> rest() {
        PromptReader reader = rest;
        return reader == null
                ? Collections.emptyIterator()
                : Stream.generate(() -> reader).takeWhile(PromptReader::hasNext).map(PromptReader::next)
                        .map(prompt -> finished(prompt, finishing)).iterator();
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
