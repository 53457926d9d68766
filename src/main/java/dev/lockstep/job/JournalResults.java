package dev.lockstep.job;

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

/** Results read from journals in order, one at a time. */
final class JournalResults implements Iterator<Result>, Closeable {
    /** In which file, and where in it, a line begins. */
    record Place(int file, long offset) {}

    interface Lookup {
        /** Null where there is no such result. */
        Place of(int prompt, int sample);
    }

    private final List<Window> windows = new ArrayList<>();
    private final int prompts;
    private final Lookup places;
    private int prompt;
    private int sample;

    JournalResults(List<Path> files, int prompts, Lookup places) throws IOException {
        this.prompts = prompts;
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
     * @throws UsageException       when the next prompt has no result
     * @throws UncheckedIOException  when a journal cannot be read
     */
    @Override
    public Result next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Place place = places.of(prompt, sample);
        if (place == null) {
            throw new UsageException("row " + prompt + " is missing from the journal: did the prompts change while the "
                    + "job ran?");
        }
        sample++;
        if (places.of(prompt, sample) == null) {
            prompt++;
            sample = 0;
        }
        try {
            return windows.get(place.file).at(place.offset);
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
    private static final class Window {
        private final FileChannel channel;
        private byte[] bytes = new byte[1 << 17];
        private long begin;
        private int length;

        Window(FileChannel channel) {
            this.channel = channel;
        }

        Result at(long offset) throws IOException {
            int end = end(offset);
            if (end < 0) {
                // some before it too: rows that were under way together end in any order
                load(Math.max(0, offset - bytes.length / 2));
                end = end(offset);
            }
            while (end < 0) {
                bytes = new byte[2 * bytes.length];
                load(offset);
                end = end(offset);
            }
            int start = (int) (offset - begin);
            return Json.MAPPER.readValue(bytes, start, end - start, Result.class);
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
