package dev.lockstep.launch;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import dev.lockstep.host.Amounts;
import dev.lockstep.host.Printable;
import dev.lockstep.launch.output.Console;
import dev.lockstep.wire.Message.Doing;
import dev.lockstep.wire.Message.Kept;
import dev.lockstep.wire.Message.Progress;

/** How far all ranks together are: one line rewritten on a terminal, a line every ten seconds elsewhere. */
final class ProgressLine {
    private static final long TERMINAL_NANOS = 200_000_000L;
    private static final long LOG_NANOS = 10_000_000_000L;

    private final int size;
    private final Console output;
    private final boolean terminal;
    private final Map<Integer, Progress> latest = new HashMap<>();
    private long shownAt;

    /**
     * @param size ranks
     * @param now  {@link System#nanoTime()}; the first line elsewhere than on a terminal comes ten seconds later
     */
    ProgressLine(int size, Console output, boolean terminal, long now) {
        this.size = size;
        this.output = output;
        this.terminal = terminal;
        this.shownAt = terminal ? now - TERMINAL_NANOS : now;
    }

    /** Takes it in without showing it. */
    void take(int rank, Progress progress) {
        latest.put(rank, progress);
    }

    void update(int rank, Progress progress, long now) {
        take(rank, progress);
        if (isDue(now)) {
            show(terminal ? text() : "mpjrun: " + text());
        }
    }

    /** Says what the job is at; where that is soon outdated, as rarely as how far it is. */
    void say(Doing doing, long now) {
        if (!doing.passing()) {
            output.say(doing.what());
        } else if (isDue(now)) {
            show(doing.what());
        }
    }

    private boolean isDue(long now) {
        boolean due = now - shownAt >= (terminal ? TERMINAL_NANOS : LOG_NANOS);
        if (due) {
            shownAt = now;
        }
        return due;
    }

    private void show(String line) {
        if (terminal) {
            output.status(Printable.line(line));
        } else {
            output.say(line);
        }
    }

    /** What is kept of a job that has ended before its time, if anything is: ranks may have kept more than they had the time to tell. */
    Optional<String> kept(Kept kept) {
        long done = kept.before();
        long all = -1;
        for (Progress progress : latest.values()) {
            done += progress.done();
            all = Math.max(all, progress.all());
        }
        String of = all < 0 ? "" : String.format(Locale.ROOT, "of %,d ", all + kept.before());
        return done == 0
                ? Optional.empty()
                : Optional
                        .of(String.format(Locale.ROOT, "at least %,d %srows are kept in %s; %s", done, of, kept.place(),
                                kept.advice()));
    }

    /**
     * Rows, tokens, tokens per second and the time left: by tokens where the ranks can tell how many are to come, since
     * rows that are under way together also end together, else by rows once one is done. How many rows there are is known
     * when a rank knows it, or all have said what is theirs; what is left, when all have.
     */
    String text() {
        long done = 0;
        long total = 0;
        long tokens = 0;
        long toCome = 0;
        boolean told = true;
        long all = -1;
        double seconds = 0;
        for (Progress progress : latest.values()) {
            done += progress.done();
            total += progress.total();
            tokens += progress.tokens();
            toCome += progress.tokensToCome();
            told &= progress.tokensToCome() >= 0;
            all = Math.max(all, progress.all());
            seconds = Math.max(seconds, progress.secondsElapsed());
        }
        boolean complete = latest.size() == size;
        long rows = all >= 0 ? all : complete ? total : -1;
        StringBuilder text = new StringBuilder();
        text.append(done).append(rows < 0 ? "" : "/" + rows).append(" rows, ").append(tokens).append(" tokens");
        if (seconds > 0) {
            text.append(String.format(Locale.ROOT, ", %.1f tokens/s", tokens / seconds));
            double left = told && tokens > 0
                    ? (double) toCome / tokens
                    : done > 0 ? (double) (rows - done) / done : -1;
            if (left >= 0 && complete && done < rows) {
                text.append(", ").append(Amounts.duration(Math.round(seconds * left))).append(" left");
            }
        }
        return text.toString();
    }
}
