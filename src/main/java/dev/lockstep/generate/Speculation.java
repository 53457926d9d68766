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
    /** What it costs on CPU that drafted tokens are put into slots, as a part of a step. */
    static final double LEAST_COST_OF_LOOKING = 0.08;
    /** What a GPU could have read of weights while each step's tokens are waited for too: in 0.4 ms. */
    private static final double BYTES_NOT_READ = 1.3e9;
    /** Looks that found nothing let so many steps go by before the next, at most. */
    private static final int MOST_UNSEEN = 8;

    private final Decoder decoder;
    private final double costOfLooking; // as a part of a step
    private final double readsOfToken; // as a part of what a step reads of weights
    private int unseen = 1;

    /** @param costOfLooking {@link #costOfLooking} */
    Speculation(Decoder decoder, double costOfLooking) {
        this.decoder = decoder;
        this.costOfLooking = costOfLooking;
        this.readsOfToken = decoder.tokenBytes() / weightBytes(decoder);
    }

    /** What it costs to look at each step's tokens, as a part of a step: much where steps are short. */
    static double costOfLooking(Decoder decoder) {
        return decoder.device().isCpu()
                ? LEAST_COST_OF_LOOKING
                : Math.max(LEAST_COST_OF_LOOKING, BYTES_NOT_READ / weightBytes(decoder));
    }

    /** About how much a step reads of weights, on each of the ranks that compute the model. */
    private static double weightBytes(Decoder decoder) {
        ModelConfig config = decoder.config();
        double width = config.intermediate()
                * (config.experts() == null ? 1.0 : config.experts().routing().perToken());
        double weights = config.layers() * (double) config.hidden()
                * (2.0 * (config.heads() + config.kvHeads()) * config.headDim() + 3 * width)
                + (double) config.vocabulary() * config.hidden();
        return weights * decoder.dtype().bytes() / decoder.replica().size();
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
        boolean worth = gain / rows.size() > costOfLooking;
        unseen = worth ? 1 : Math.min(MOST_UNSEEN, 2 * unseen);
        return worth ? new Drafts(List.of(drafts)) : null;
    }
}
