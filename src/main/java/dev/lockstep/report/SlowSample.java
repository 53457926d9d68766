package dev.lockstep.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.prompts.Prompt;

/**
 * A row that took long.
 *
 * @param prompt  how it begins
 * @param tokens  new ones
 * @param seconds from when it came into a slot to its last token
 */
record SlowSample(int index, String id, int sample, int rank, String prompt, int promptTokens, int tokens,
        double seconds,
        FinishReason finishReason) {
    /** The slowest first, then in the order of the input. */
    static final Comparator<SlowSample> SLOWEST_FIRST = Comparator.comparingDouble(SlowSample::seconds).reversed()
            .thenComparingInt(SlowSample::index).thenComparingInt(SlowSample::sample);

    private static final int EXCERPT = 160;

    /** The slowest of many rows, of which it holds few. */
    static final class Slowest {
        static final int MOST = 20;

        private final PriorityQueue<SlowSample> rows = new PriorityQueue<>(SLOWEST_FIRST.reversed());

        /** Takes the row if it is one of the slowest. */
        void add(Prompt prompt, Completion completion, int rank, double seconds) {
            if (rows.size() < MOST || seconds > rows.peek().seconds) {
                add(new SlowSample(prompt.index(), excerpt(prompt.id()), completion.sample(), rank,
                        excerpt(prompt.textOrEmpty()),
                        completion.promptTokens(), completion.tokenIds().length, seconds, completion.finishReason()));
            }
        }

        void add(SlowSample row) {
            rows.add(row);
            if (rows.size() > MOST) {
                rows.remove();
            }
        }

        /** Those it holds, the slowest first. */
        List<SlowSample> rows() {
            List<SlowSample> sorted = new ArrayList<>(rows);
            sorted.sort(SLOWEST_FIRST);
            return sorted;
        }
    }

    /** On one line and of bounded length. */
    private static String excerpt(String text) {
        int end = text.offsetByCodePoints(0, Math.min(EXCERPT, text.codePointCount(0, text.length())));
        return text.substring(0, end).strip().replaceAll("\\s+", " ") + (end < text.length() ? "…" : "");
    }
}
