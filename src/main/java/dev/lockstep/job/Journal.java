package dev.lockstep.job;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

import dev.lockstep.generate.Request;

/**
 * One rank's record of a run, as lines of JSON: the results, and before them which rows were under way, so that the next
 * run can tell which ones a rank died of. {@link JournalIndex} reads it.
 *
 * <p>
 * A process that is killed leaves all that was {@linkplain #flush flushed}. A rank that is asked to end says so in its
 * last line.
 */
final class Journal {
    /** Takes whole lines, to be kept when it returns. */
    interface Keeper {
        void append(byte[] lines) throws IOException;
    }

    private final Keeper keeper;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream(1 << 16);
    private boolean stopped;

    /** @param run the number of the run, from 1 */
    Journal(Keeper keeper, int run) {
        this.keeper = keeper;
        line("{\"run\":" + run + "}");
        flush();
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "journal"));
    }

    /** These rows are about to begin; known to the next run when this returns. */
    synchronized void starting(List<Request> rows) {
        line(rows.stream().map(row -> row.index() + "," + row.sample())
                .collect(Collectors.joining(",", "{\"start\":[", "]}")));
        flush();
    }

    synchronized void add(Result result) {
        try {
            pending.write(Json.MAPPER.writeValueAsBytes(result));
            pending.write('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keeps the results so far. */
    synchronized void flush() {
        if (pending.size() == 0 || stopped) {
            return;
        }
        try {
            keeper.append(pending.toByteArray());
            pending.reset();
        } catch (IOException e) {
            throw new UncheckedIOException("the journal cannot be written: " + e.getMessage(), e);
        }
    }

    /** The rank ends in good order, whether it is through or not; nothing is kept after it. */
    synchronized void stop() {
        if (!stopped) {
            line("{\"stop\":true}");
            flush();
            stopped = true;
        }
    }

    private void line(String json) {
        pending.writeBytes((json + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
