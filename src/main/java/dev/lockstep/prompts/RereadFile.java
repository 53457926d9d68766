package dev.lockstep.prompts;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

/** A file of prompts that is read once more, and may be another one by now. */
final class RereadFile implements Closeable {
    private final String source;
    private final UnaryOperator<Prompt> finishing;
    // by row, what it came to, and where it begins; the latter only where rows are not done as they stand
    private final int[] sums;
    private final long[] offsets;
    private final long size;
    private final RowOrder order;
    private final List<Closeable> open = new ArrayList<>();
    private @Nullable FileChannel channel;

    /**
     * @param finishing what every row goes through after it is read
     * @param size      of the file, in bytes
     */
    RereadFile(String source, UnaryOperator<Prompt> finishing, int[] sums, long[] offsets, long size,
            RowOrder order) {
        this.source = source;
        this.finishing = finishing;
        this.sums = sums;
        this.offsets = offsets;
        this.size = size;
        this.order = order;
    }

    PromptFile.Rows rows(int start, int end) {
        return new InTurn(start, end);
    }

    /** Rows are read one after the other; those that begin like others, where their turn is not yet or was before, apart. */
    private final class InTurn implements PromptFile.Rows {
        private final PromptReader reader = PromptReader.open(source, InputStream.nullInputStream());
        private final int start;
        private final int end;
        private int turn;

        InTurn(int start, int end) {
            this.start = start;
            this.end = end;
            open.add(reader);
        }

        @Override
        public Prompt read(int row) {
            skipTo(start);
            if (row != turn && order.isGrouped(row)) {
                return checked(apart(row), row);
            }
            skipTo(row);
            requireNext();
            turn++;
            return checked(reader.next(), row);
        }

        @Override
        public void end() {
            if (end == sums.length && (order.isAsTheyStand() ? reader.hasNext() : at(size, end) != null)) {
                throw changed("it has more rows now");
            }
        }

        private void skipTo(int row) {
            for (; turn < row; turn++) {
                requireNext();
                reader.next();
            }
        }

        private void requireNext() {
            if (!reader.hasNext()) {
                throw changed("it has only " + turn + " rows now");
            }
        }
    }

    private Prompt apart(int row) {
        Prompt prompt = at(offsets[row], row);
        return prompt == null ? Prompt.broken(row, Integer.toString(row), "the file ends before it") : prompt;
    }

    private @Nullable Prompt at(long offset, int row) {
        try {
            if (channel == null) {
                channel = FileChannel.open(Path.of(source));
                open.add(channel);
            }
            return PromptReader.again(source, channel, offset, row);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Prompt checked(Prompt read, int row) {
        Prompt prompt = finishing.apply(read);
        try {
            if (PromptFile.sum(Json.MAPPER.writeValueAsBytes(prompt)) != sums[row]) {
                throw changed("row " + row + " is not what it was");
            }
            return prompt;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private UsageException changed(String how) {
        return new UsageException("--prompts " + source + " changed while the job ran, " + how
                + "; put back what it was and go on with --resume, or remove the journal and begin anew");
    }

    @Override
    public void close() throws IOException {
        for (Closeable each : open) {
            each.close();
        }
    }
}
