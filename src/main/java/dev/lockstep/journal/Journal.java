package dev.lockstep.journal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

import com.fasterxml.jackson.core.JsonProcessingException;

import dev.lockstep.host.IoReason;
import dev.lockstep.json.Json;
import dev.lockstep.results.Result;

/**
 * One rank's record of a run, as lines of JSON, each with its {@link LineSeal}: the results, and before them which rows were
 * under way, so that the next run can tell which ones a rank died of. Of ranks that compute a model together the first keeps the
 * results, and the others only which rows have ended. {@link JournalIndex} reads it.
 *
 * <p>
 * A process that is killed leaves all that was {@linkplain #flush flushed}. A rank that is asked to end says so in its
 * last line; whoever makes a journal sees to it that {@link #stopAnyway} is called then.
 */
public final class Journal {
    /** The number of this form of journal, which goes into the job's name: no form reads another's lines. */
    static final int FORMAT = 3;

    /** Takes whole lines, to be kept when it returns. */
    public interface Keeper {
        void append(byte[] lines) throws IOException;

        /** There will be no more lines. */
        default void end() throws IOException {}
    }

    private final Keeper keeper;
    private final LineSeal seal;
    private final int run;
    private final boolean keepsResults;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream(1 << 16);
    private boolean failed;
    private boolean stopped;

    /**
     * @param job what the job is called
     * @param run the number of the run, from 1
     */
    public Journal(Keeper keeper, String job, int run) {
        this(keeper, job, run, true);
    }

    /** @param keepsResults whether results are kept, and not only that their rows have ended */
    public Journal(Keeper keeper, String job, int run, boolean keepsResults) {
        this.keepsResults = keepsResults;
        this.keeper = keeper;
        this.seal = new LineSeal(job);
        this.run = run;
        line("{\"run\":" + run + ",\"job\":\"" + job + "\"}");
        flush();
    }

    /**
     * These rows are about to begin; known to the next run when this returns.
     *
     * @param apart whether they are suspects, and nothing else is under way
     */
    public synchronized void starting(List<CrashSuspects.Sample> rows, boolean apart) {
        line(rows.stream().map(row -> row.prompt() + "," + row.sample())
                .collect(Collectors.joining(",", "{\"start\":[", "],\"run\":" + run + ",\"apart\":" + apart + "}")));
        flush();
    }

    /**
     * @throws IllegalArgumentException when it cannot be written as JSON
     */
    public synchronized void add(Result result) {
        if (!keepsResults) {
            line("{\"end\":[" + result.index() + "," + result.sample() + "],\"run\":" + run + "}");
            return;
        }
        try {
            seal.write(Json.MAPPER.writeValueAsBytes(result), pending);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the result cannot be written: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Keeps the results so far.
     *
     * @return whether it has; not those that came after {@link #stop}, which a signal may have brought about
     * @throws UncheckedIOException when they cannot be kept
     */
    public synchronized boolean flush() {
        if (pending.size() == 0 || stopped) {
            return pending.size() == 0;
        }
        try {
            keeper.append(pending.toByteArray());
            pending.reset();
            return true;
        } catch (IOException e) {
            failed = true;
            throw new UncheckedIOException(
                    "the journal cannot be written: " + IoReason.of(e)
                            + "; nothing in it is lost: fix this and add --resume",
                    e);
        }
    }

    /** The rank ends in good order, whether it is through or not; nothing is kept after it. */
    public synchronized void stop() {
        if (!stopped) {
            line("{\"stop\":" + run + "}");
            flush();
            stopped = true;
            try {
                keeper.end();
            } catch (IOException e) {
                throw new UncheckedIOException("the journal cannot be written: " + IoReason.of(e), e);
            }
        }
    }

    /** The same where nobody can be told any more that it fails; a disk that is full may still take one line. */
    public synchronized void stopAnyway() {
        if (failed) {
            pending.reset();
        }
        try {
            stop();
        } catch (UncheckedIOException e) {
            // that it failed has been said, or the process ends for another reason
            stopped = true;
        }
    }

    private void line(String json) {
        seal.write(json.getBytes(StandardCharsets.UTF_8), pending);
    }
}
