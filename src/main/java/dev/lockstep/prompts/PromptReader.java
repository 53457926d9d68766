package dev.lockstep.prompts;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.CharConversionException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Csv;
import dev.lockstep.json.Json;
import dev.lockstep.json.JsonArrayReader;

/**
 * Reads prompts one after the other, so that the rows need not fit in memory: {@code .jsonl} (an object or a string per
 * line), {@code .txt} (a prompt per line), {@code .json} (an array of strings or objects), {@code .csv} and {@code .tsv} ({@link CsvRows}), {@code -} or a pipe (as
 * {@code .jsonl}). Blank lines are no rows.
 *
 * <p>
 * A row that cannot be used is a {@link Prompt} with an error. Only a file that cannot be used as a whole is a
 * {@link UsageException}, thrown by {@link #open} or, for a {@code .json} that is no array up to its end, while reading.
 */
public final class PromptReader implements Iterator<Prompt>, Closeable {
    private static final int MANY_ROWS = 1 << 16;
    private static final int ONE_ROW = 1 << 12;
    /** Bytes of a row: more than any context holds; what has no line breaks at all must not fill the memory. */
    static final int LONGEST = 1 << 26;

    private final Rows rows;
    private final MistypedFields names;
    private @Nullable Prompt next;
    private int index;
    private long offset;

    private PromptReader(Rows rows, MistypedFields names) {
        this.rows = rows;
        this.names = names;
    }

    /**
     * @param source a file, or {@code -}
     * @param stdin  what {@code -} reads; closing the reader closes it
     * @throws UsageException when there is no such file or it cannot be read
     */
    public static PromptReader open(String source, InputStream stdin) {
        var names = new MistypedFields();
        Lines.Form json = (index, place, line) -> json(index, place, line, names);
        if (source.equals("-")) {
            return new PromptReader(new Lines(new BufferedInputStream(stdin, MANY_ROWS), json, 0), names);
        }
        var path = FileName.of("--prompts", source);
        if (!Files.exists(path)) {
            throw new UsageException("--prompts " + source + ": there is no such file");
        }
        if (Files.isDirectory(path)) {
            throw new UsageException("--prompts " + source + " is a directory, not a file");
        }
        if (!Files.isReadable(path)) {
            throw new UsageException("--prompts " + source + " cannot be read by this user");
        }
        var name = Files.isRegularFile(path) ? source.toLowerCase(Locale.ROOT) : "pipe.jsonl";
        if (!name.endsWith(".jsonl") && !name.endsWith(".txt") && !name.endsWith(".json") && !Csv.isOne(name)) {
            throw new UsageException("--prompts " + source + " must end in .jsonl, .txt, .json, .csv or .tsv");
        }
        try {
            var in = Files.newInputStream(path);
            if (Csv.isOne(name)) {
                return new PromptReader(CsvRows.open(source, new BufferedInputStream(in, MANY_ROWS), names), names);
            }
            return new PromptReader(name.endsWith(".json")
                    ? new JsonArray(source, in, names)
                    : new Lines(new BufferedInputStream(in, MANY_ROWS),
                            name.endsWith(".txt") ? PromptReader::plain : json, 0),
                    names);
        } catch (IOException e) {
            throw new UsageException("--prompts " + source + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * All rows of a source.
     *
     * @throws UsageException       when the file cannot be used as a whole
     * @throws UncheckedIOException when reading breaks off
     */
    public static List<Prompt> readAll(String source, InputStream stdin) {
        try (var reader = open(source, stdin)) {
            var all = new ArrayList<Prompt>();
            reader.forEachRemaining(all::add);
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Names of fields in what was read so far that may be mistyped. */
    MistypedFields names() {
        return names;
    }

    /**
     * @throws UncheckedIOException when reading breaks off
     */
    @Override
    public boolean hasNext() {
        return peek() != null;
    }

    private @Nullable Prompt peek() {
        try {
            if (next == null) {
                next = rows.next(index);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return next;
    }

    /**
     * @throws UncheckedIOException when reading breaks off
     */
    @Override
    public Prompt next() {
        var prompt = peek();
        if (prompt == null) {
            throw new NoSuchElementException();
        }
        next = null;
        index++;
        offset = rows.offset();
        return prompt;
    }

    /** Where in its file the last row begins, in bytes; -1 where that is not known. */
    long offset() {
        return offset;
    }

    /**
     * One row of a file, or null where the file ends before it.
     *
     * @param offset where it began when it was {@linkplain #offset read before}
     */
    static @Nullable Prompt again(String source, FileChannel file, long offset, int index) throws IOException {
        MistypedFields names = new MistypedFields();
        String place = "row " + (index + 1);
        if (Csv.isOne(source)) {
            CsvRows rows = CsvRows.open(source,
                    new BufferedInputStream(Channels.newInputStream(file.position(0)), ONE_ROW), names);
            return rows.from(new BufferedInputStream(Channels.newInputStream(file.position(offset)), ONE_ROW))
                    .next(index);
        }
        InputStream in = Channels.newInputStream(file.position(offset));
        String name = source.toLowerCase(Locale.ROOT);
        if (!name.endsWith(".json")) {
            Lines.Form form = name.endsWith(".txt")
                    ? PromptReader::plain
                    : (row, line, text) -> json(row, line, text,
                            names);
            return new Lines(new BufferedInputStream(in, ONE_ROW), form, offset == 0 ? 0 : 1).next(index);
        }
        try (JsonArrayReader parser = Json.rows(new BufferedInputStream(in, ONE_ROW) {
            @Override
            public void close() {
                // the file is to be read again
            }
        })) {
            JsonNode row = JsonArray.ITEM.readTree(parser);
            return row == null ? null : PromptParser.of(index, place, row, names);
        } catch (JsonProcessingException | JsonArrayReader.RefusedException | CharConversionException e) {
            return Prompt.broken(index, Integer.toString(index), place + ": " + e.getMessage());
        }
    }

    @Override
    public void close() throws IOException {
        rows.close();
    }

    interface Rows extends Closeable {
        /** The row with this index, null at the end. */
        @Nullable
        Prompt next(int index) throws IOException;

        /** Where the last row began, in bytes; -1 where that is not known. */
        long offset();
    }

    private static final class JsonArray implements Rows {
        /** To a value within an array its neighbours are no trailing tokens. */
        private static final ObjectReader ITEM = Json.MAPPER.reader()
                .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

        private final String source;
        private final JsonArrayReader parser;
        private final MistypedFields names;
        private boolean started;
        private long offset = -1;

        JsonArray(String source, InputStream in, MistypedFields names) throws IOException {
            this.source = source;
            this.names = names;
            this.parser = Json.rows(in);
        }

        @Override
        public @Nullable Prompt next(int index) throws IOException {
            try {
                if (!started) {
                    started = true;
                    var first = parser.nextToken();
                    if (first == null) {
                        return null;
                    }
                    if (first != JsonToken.START_ARRAY) {
                        throw new UsageException("--prompts " + source
                                + " must hold a JSON array; a file with one object per line is named .jsonl");
                    }
                }
                if (parser.nextToken() == JsonToken.END_ARRAY) {
                    if (parser.nextToken() != null) {
                        throw new UsageException("--prompts " + source + " must end with its JSON array");
                    }
                    return null;
                }
                offset = parser.currentTokenLocation().getByteOffset();
                JsonNode row = ITEM.readTree(parser);
                return PromptParser.of(index, "item " + (index + 1), row, names);
            } catch (JsonArrayReader.RefusedException e) {
                return Prompt.broken(index, Integer.toString(index),
                        "item " + (index + 1) + ": not JSON that can be read: " + e.getMessage());
            } catch (JsonProcessingException e) {
                var where = e.getLocation();
                throw new UsageException("--prompts " + source + " is not valid JSON in line " + where.getLineNr()
                        + ", column " + where.getColumnNr() + ": " + Json.reason(e), e);
            } catch (CharConversionException e) {
                throw new UsageException("--prompts " + source + " is not valid UTF-8: " + e.getMessage(), e);
            }
        }

        @Override
        public long offset() {
            return offset;
        }

        @Override
        public void close() throws IOException {
            parser.close();
        }
    }

    /** A row without its line's end and, where it is the first of the file, without the byte order mark. */
    static String text(byte[] row, boolean first) throws CharacterCodingException {
        var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(row)).toString();
        int from = first && text.startsWith("\uFEFF") ? 1 : 0;
        int to = text.endsWith("\r") ? text.length() - 1 : text.length();
        return text.substring(from, to);
    }

    private static Prompt plain(int index, String place, String line) {
        return new Prompt(index, Integer.toString(index), line, SamplingOverrides.NONE, null);
    }

    private static Prompt json(int index, String place, String line, MistypedFields names) {
        try {
            return PromptParser.of(index, place, Json.MAPPER.readTree(line), names);
        } catch (JsonProcessingException e) {
            var where = e.getLocation();
            return Prompt.broken(index, Integer.toString(index), place + (where == null
                    ? ": not JSON that can be read: "
                    : ": not valid JSON in column " + where.getColumnNr() + ": ") + Json.reason(e));
        }
    }

    /** Lines as bytes, since one line that is not UTF-8 must not spoil the others. */
    private static final class Lines implements Rows {
        private interface Form {
            /** What a line that is not blank says. */
            Prompt row(int index, String place, String line);
        }

        private final InputStream in;
        private final Form form;
        private byte[] line = new byte[0];
        private int number;
        private long offset;
        private long end;

        /**
         * @param in     buffered
         * @param number lines that were read before
         */
        Lines(InputStream in, Form form, int number) {
            this.in = in;
            this.form = form;
            this.number = number;
        }

        @Override
        public @Nullable Prompt next(int index) throws IOException {
            while (advance()) {
                var place = "line " + number;
                try {
                    var text = text(line, number == 1);
                    if (!text.isBlank()) {
                        return form.row(index, place, text);
                    }
                } catch (CharacterCodingException e) {
                    return Prompt.broken(index, Integer.toString(index), place + ": not valid UTF-8");
                }
            }
            return null;
        }

        @Override
        public long offset() {
            return offset;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }

        private boolean advance() throws IOException {
            var bytes = new ByteArrayOutputStream(256);
            int b = in.read();
            if (b < 0) {
                return false;
            }
            offset = end;
            for (; b >= 0 && b != '\n'; b = in.read()) {
                bytes.write(b);
                if (bytes.size() > LONGEST) {
                    throw new UsageException("line " + (number + 1) + " of the prompts has more than " + LONGEST
                            + " bytes: give one prompt per line");
                }
            }
            line = bytes.toByteArray();
            end += line.length + 1;
            number++;
            return true;
        }
    }
}
