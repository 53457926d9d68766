package dev.lockstep.job;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;

import dev.lockstep.world.Block;

/**
 * The input as rank 0 has it: looked through once and then read again row by row, so that it need not fit in memory. What
 * can be read only once (stdin, a pipe) is looked at as far as its first rows.
 */
final class Prompts implements Closeable {
    /** So many rows of a pipe are known before the job starts. */
    private static final int WINDOW = 1024;

    private final String source;
    private final InputStream stdin;
    private final String digest;
    private final OptionalInt rows;
    private final OptionalLong results;
    private final Function<Prompt, Prompt> finishing;
    // of what can be read only once: its first rows and the rest; null: a file
    private final List<Prompt> window;
    private final PromptReader rest;
    private final List<PromptReader> open = new ArrayList<>();

    private Prompts(String source, InputStream stdin, String digest, OptionalInt rows, OptionalLong results,
            Function<Prompt, Prompt> finishing, List<Prompt> window, PromptReader rest) {
        this.finishing = finishing;
        this.source = source;
        this.stdin = stdin;
        this.digest = digest;
        this.rows = rows;
        this.results = results;
        this.window = window;
        this.rest = rest;
    }

    /**
     * @param stdin   what {@code -} means
     * @param inBlocks {@link #block} will be called, which takes the number of rows and so all of a pipe
     * @param samples of a row that does not say how many
     * @param finishing what every row goes through after it is read
     * @throws UsageException when the source cannot be used as a whole
     */
    static Prompts survey(String source, InputStream stdin, boolean inBlocks, int samples,
            Function<Prompt, Prompt> finishing) throws IOException {
        PromptReader reader = PromptReader.open(source, stdin);
        MessageDigest digest = Fingerprint.digest();
        boolean again = !source.equals("-") && Files.isRegularFile(Path.of(source));
        List<Prompt> window = new ArrayList<>();
        int rows = 0;
        long results = 0;
        while ((again || inBlocks || rows < WINDOW) && reader.hasNext()) {
            Prompt prompt = finishing.apply(reader.next());
            digest.update(Json.MAPPER.writeValueAsBytes(prompt));
            if (!again) {
                window.add(prompt);
            }
            rows++;
            results += prompt.samplesOr(samples);
        }
        reader.names().sentence().ifPresent(sentence -> System.err.println("generate: " + sentence));
        boolean all = again || inBlocks || rows < WINDOW;
        if (again) {
            reader.close();
        }
        return new Prompts(source, stdin, HexFormat.of().formatHex(digest.digest()),
                all ? OptionalInt.of(rows) : OptionalInt.empty(),
                all ? OptionalLong.of(results) : OptionalLong.empty(), finishing, again ? null : window,
                again ? null : reader);
    }

    /** How many there are, where that is known. */
    OptionalInt rows() {
        return rows;
    }

    /** How many results they ask for, known where {@link #rows} is. */
    OptionalLong results() {
        return results;
    }

    /** What the input comes to in 64 digits; of a pipe, its first rows. */
    String digest() {
        return digest;
    }

    /** All rows; of a pipe only once. */
    Iterator<Prompt> all() {
        return window == null
                ? finished(reader())
                : Stream.concat(window.stream(), Stream.generate(() -> rest)
                        .takeWhile(PromptReader::hasNext).map(PromptReader::next).map(finishing)).iterator();
    }

    /** Some of the rows. */
    Iterator<Prompt> block(Block block) {
        if (window != null) {
            return window.subList(block.start(), block.end()).iterator();
        }
        PromptReader reader = reader();
        for (int i = 0; i < block.start(); i++) {
            reader.next();
        }
        return Stream.generate(reader::next).limit(block.length()).map(finishing).iterator();
    }

    private Iterator<Prompt> finished(PromptReader reader) {
        return Stream.generate(() -> reader).takeWhile(PromptReader::hasNext).map(PromptReader::next).map(finishing)
                .iterator();
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
