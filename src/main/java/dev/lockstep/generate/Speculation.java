package dev.lockstep.generate;

import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.Drafts;
import dev.lockstep.model.ModelConfig;

/**
 * Which rows of a step have how many tokens drafted, by {@link PromptLookup}: as many as are worth their time. It goes by counts
 * alone, which ranks that compute a model together have alike.
 */
final class Speculation {
    /** Rows and drafted tokens of a step together: up to so many a GPU takes hardly longer than for one. */
    static final int SLOTS = 64;
    /** What a token more costs beside the rest of a step, as a part of that, where weights are what takes the time. */
    private static final double COST_ON_GPU = 0.002;
    private static final double COST_ON_CPU = 0.05;
    /** What it costs that each step's tokens are waited for and drafted ones are put into slots. */
    private static final double COST_OF_LOOKING = 0.08;
    /** Looks that found nothing let so many steps go by before the next, at most. */
    private static final int MOST_UNSEEN = 8;

    private final Decoder decoder;
    private final double readsOfToken; // as a part of what a step reads of weights
    private int unseen = 1;

    Speculation(Decoder decoder) {
        this.decoder = decoder;
        ModelConfig config = decoder.config();
        double width = config.intermediate()
                * (config.experts() == null ? 1.0 : config.experts().routing().perToken());
        double weights = config.layers() * (double) config.hidden()
                * (2.0 * (config.heads() + config.kvHeads()) * config.headDim() + 3 * width)
                + (double) config.vocabulary() * config.hidden();
        this.readsOfToken = (double) decoder.tokenBytes() * decoder.replica().size()
                / (weights * decoder.dtype().bytes());
    }

    /** How many steps may go by before the next look. */
    int unseenSteps() {
        return unseen;
    }

    /**
     * Drafts for the next step.
     *
     * @param rows  that decode
     * @param empty slots after theirs
     * @return null where none are worth it
     */
    @Nullable
    Drafts drafts(List<Sequence> rows, int empty) {
        int room = Math.min(SLOTS - rows.size(), empty);
        if (room <= 0) {
            unseen = MOST_UNSEEN;
            return null;
        }
        double seen = 1 + rows.stream().mapToLong(Sequence::length).sum() * readsOfToken;
        double each = decoder.device().isCpu() ? COST_ON_CPU : COST_ON_GPU;
        double gain = 0;
        int[][] drafts = new int[rows.size()][];
        for (int row = 0; row < drafts.length; row++) {
            Sequence sequence = rows.get(row);
            // of the tokens that a step gives, a row's is one
            double cost = (each + sequence.length() * readsOfToken / seen) * rows.size();
            drafts[row] = sequence.draft(Math.max(1, room / rows.size()), cost);
            if (drafts[row].length > room) {
                drafts[row] = Arrays.copyOf(drafts[row], room);
            }
            room -= drafts[row].length;
            gain += sequence.expected(drafts[row].length) - drafts[row].length * cost;
        }
        boolean worth = gain / rows.size() > COST_OF_LOOKING;
        unseen = worth ? 1 : Math.min(MOST_UNSEEN, 2 * unseen);
        return worth ? new Drafts(List.of(drafts)) : null;
    }
}
