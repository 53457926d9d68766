package dev.lockstep.batch;

import java.util.function.Consumer;

import dev.lockstep.host.Printable;
import dev.lockstep.results.Result;

/** What has become of rows, for somebody who watches: a line each, at most one a second. */
final class FinishedRows {
    private static final long BETWEEN_NANOS = 1_000_000_000L;
    /** Characters of a prompt's end and of a text's beginning. */
    private static final int PROMPT = 40;
    private static final int TEXT = 100;

    private final Consumer<String> said;
    private long shownAt = System.nanoTime() - BETWEEN_NANOS;

    FinishedRows(Consumer<String> said) {
        this.said = said;
    }

    void show(Result result) {
        long now = System.nanoTime();
        if (now - shownAt >= BETWEEN_NANOS) {
            shownAt = now;
            said.accept(line(result));
        }
    }

    static String line(Result result) {
        String prompt = result.prompt();
        String text = result.text();
        String what = result.error() != null
                ? "failed: " + result.error()
                : result.score() != null
                        ? text(text) + " has the log-probability " + result.score().logprob()
                        : result.embedding() != null ? "is embedded" : text(text);
        int from = at(prompt, prompt.length() - PROMPT);
        return Printable.line("row " + result.id() + ": " + (from > 0 ? "..." : "") + prompt.substring(from)
                + " -> " + what);
    }

    private static String text(String text) {
        int to = at(text, TEXT);
        return text.substring(0, to) + (to < text.length() ? "..." : "");
    }

    /** The place nearest to this one that is in a text, and not within a character. */
    private static int at(String text, int place) {
        int near = Math.max(0, Math.min(text.length(), place));
        return near > 0 && near < text.length() && Character.isLowSurrogate(text.charAt(near)) ? near - 1 : near;
    }
}
