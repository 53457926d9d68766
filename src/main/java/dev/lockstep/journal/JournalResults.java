package dev.lockstep.journal;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.IntUnaryOperator;

import org.jspecify.annotations.Nullable;

import dev.lockstep.json.Json;
import dev.lockstep.results.Result;

/** Results read from journals in order, one at a time. */
public final class JournalResults implements Iterator<Result>, Closeable {
    /** In which file, and where in it, a line begins. */
    record Place(int file, long offset) {}

    interface Lookup {
        /** Of a result that there is. */
        Place of(int prompt, int sample);
    }

    private final List<Window> windows = new ArrayList<>();
    private final LineSeal seal;
    private final int prompts;
    private final IntUnaryOperator samples;
    private final Lookup places;
    private int prompt;
    private int sample;

    /**
     * @param samples of each prompt, at least 1
     */
    JournalResults(List<Path> files, LineSeal seal, int prompts, IntUnaryOperator samples, Lookup places)
            throws IOException {
        this.seal = seal;
        this.prompts = prompts;
        this.samples = samples;
        this.places = places;
        for (Path file : files) {
            windows.add(new Window(FileChannel.open(file)));
        }
    }

    @Override
    public boolean hasNext() {
        return prompt < prompts;
    }

    /**
     * @throws UncheckedIOException when a journal cannot be read, or has changed since the index was made
     */
    @Override
    public Result next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Place place = places.of(prompt, sample);
        try {
            Result result = windows.get(place.file).at(place.offset);
            if (result == null || result.index() != prompt || result.sample() != sample) {
                throw new IOException("row " + prompt + " is no longer in the journal as it was written; run it again "
                        + "with --resume, which does the row again");
            }
            if (++sample == samples.applyAsInt(prompt)) {
                prompt++;
                sample = 0;
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        for (Window window : windows) {
            window.channel.close();
        }
    }

    /** A piece of a file; rows lie nearly in order, so the next line is most often in the same piece. */
    private final class Window {
        private final FileChannel channel;
        private byte[] bytes = new byte[1 << 17];
        private long begin;
        private int length;

        Window(FileChannel channel) {
            this.channel = channel;
        }

        /** Null where there is no longer what was written. */
        @Nullable
        Result at(long offset) throws IOException {
            int end = end(offset);
            if (end < 0) {
                // some before it too: rows that were under way together end in any order
                load(Math.max(0, offset - bytes.length / 2));
                end = end(offset);
            }
            while (end < 0 && length == bytes.length) {
                bytes = new byte[2 * bytes.length];
                load(offset);
                end = end(offset);
            }
            int start = (int) (offset - begin);
            int json = end < 0 ? -1 : seal.length(bytes, start, end);
            return json < 0 ? null : Json.MAPPER.readValue(bytes, start, json, Result.class);
        }

        /** Where in the piece the line ends, or -1. */
        private int end(long offset) {
            if (offset >= begin) {
                for (long at = offset - begin; at < length; at++) {
                    if (bytes[(int) at] == '\n') {
                        return (int) at;
                    }
                }
            }
            return -1;
        }

        private void load(long from) throws IOException {
            begin = from;
            length = 0;
            int read;
            while (length < bytes.length && (read = channel.read(ByteBuffer.wrap(bytes, length, bytes.length - length),
                    begin + length)) > 0) {
                length += read;
            }
        }
    }
}
