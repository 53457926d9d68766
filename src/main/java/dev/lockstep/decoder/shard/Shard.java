package dev.lockstep.decoder.shard;

import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.decoder.shard.Cut.Range;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelException;

/**
 * What one of the ranks that compute a model together has of it: some of the heads and of the MLP's width, for which q, k,
 * v, gate and up are cut by rows, and o and down by columns, so that each rank's output is one term of a sum; and some of
 * the vocabulary's rows. A kv head whose query heads are on several ranks is on each of them. Norms are on all ranks; what
 * is added to a sum, a bias, is on the first.
 */
public final class Shard {
    /** Parts of a vocabulary are multiples of so many rows where they can be. */
    private static final int ROWS = 16;

    private final ModelConfig whole;
    private final int rank;
    private final int size;
    private final int keyHeads;
    private final Range vocabulary;

    private Shard(ModelConfig whole, int rank, int size) {
        this.whole = whole;
        this.rank = rank;
        this.size = size;
        this.keyHeads = Math.max(1, whole.kvHeads() / size);
        this.vocabulary = vocabulary();
    }

    /**
     * @param rank of the ranks that have one
     * @throws ModelException in one sentence, when the model cannot be divided among so many
     */
    public static Shard of(ModelConfig whole, int rank, int size) {
        check(whole, size);
        return new Shard(whole, rank, size);
    }

    /**
     * Finds out whether a model can be divided among so many ranks.
     *
     * @throws ModelException in one sentence, when it cannot
     */
    public static void check(ModelConfig whole, int size) {
        if (size == 1) {
            return;
        }
        if (whole.heads() % size != 0) {
            throw new ModelException(indivisible(whole, size, whole.heads() + " attention heads"));
        }
        if (whole.kvHeads() % size != 0 && size % whole.kvHeads() != 0) {
            throw new ModelException(indivisible(whole, size, whole.kvHeads() + " heads of keys and values"));
        }
        if (whole.intermediate() % size != 0) {
            throw new ModelException(indivisible(whole, size, "MLP of width " + whole.intermediate()));
        }
        Experts experts = whole.experts();
        if (experts != null && (experts.intermediate() % size != 0 || experts.shared() % size != 0)) {
            throw new ModelException(indivisible(whole, size, "experts of width " + experts.intermediate()
                    + (experts.shared() == 0 ? "" : " or " + experts.shared())));
        }
        if (whole.vocabulary() < size) {
            throw new ModelException(indivisible(whole, size, "vocabulary of " + whole.vocabulary()));
        }
    }

    private static String refusal(ModelConfig whole, int size) {
        return "this " + whole.family() + " cannot be computed by " + size + " ranks together";
    }

    private static String indivisible(ModelConfig whole, int size, String what) {
        return refusal(whole, size) + ", among whom its " + what
                + " cannot be divided; give --tensor-parallel a smaller number.";
    }

    private Range vocabulary() {
        int tokens = whole.vocabulary();
        int each = evenTokens();
        return each > 0
                ? new Range(rank * each, Math.min(tokens, (rank + 1) * each))
                : new Range(rank * tokens / size, (rank + 1) * tokens / size);
    }

    /** So many tokens each rank has, the last one the rest of them; 0 where these are so few that it is otherwise. */
    public int evenTokens() {
        int even = ((whole.vocabulary() + size - 1) / size + ROWS - 1) / ROWS * ROWS;
        return even * (size - 1) < whole.vocabulary() ? even : 0;
    }

    /** The model's shapes. */
    public ModelConfig whole() {
        return whole;
    }

    /** The shapes of this rank's part, its rows of the vocabulary included; its logits are still those of all tokens. */
    public ModelConfig part() {
        return size == 1
                ? whole
                : whole.part(size, whole.heads() / size, keyHeads, vocabulary.size());
    }

    /** The first of this rank's tokens. */
    public int firstToken() {
        return vocabulary.from();
    }

    /** What this rank has of a tensor of the whole model. */
    public Cut cut(ExpectedTensor tensor) {
        if (size == 1) {
            return Cut.WHOLE;
        }
        String[] name = tensor.name().split("\\.", -1);
        boolean bias = name[name.length - 1].equals("bias");
        if (name[name.length - 1].equals("sinks")) {
            return Cut.rows(Range.of(whole.heads(), rank, size));
        }
        Experts experts = whole.experts();
        if (experts != null && experts.stacked() && tensor.name().contains(".mlp.experts.")) {
            return name[name.length - 2].equals("gate_up_proj")
                    ? Cut.expertRows(width(tensor), width(tensor).from(experts.intermediate()))
                    : bias ? onFirst() : Cut.expertColumns(width(tensor));
        }
        if (whole.stored().normsApart() && tensor.isOfQueryOrKeyNorm()) {
            Range heads = headsOf(name[name.length - 3].equals("q_norm") ? queries() : keys());
            int head = Integer.parseInt(name[name.length - 2]);
            return head >= heads.from() && head < heads.to() ? Cut.WHOLE : Cut.NOTHING;
        }
        return switch (name[name.length - 2]) {
            case "embed_tokens", "lm_head" -> Cut.rows(vocabulary);
            case "embed_positions" -> onFirst();
            case "q_proj" -> Cut.rows(queries());
            case "k_proj", "v_proj" -> Cut.rows(keys());
            case "qkv_proj" -> {
                int queries = whole.heads() * whole.headDim();
                int keys = whole.kvHeads() * whole.headDim();
                yield Cut.rows(queries(), keys().from(queries), keys().from(queries + keys));
            }
            case "gate_proj", "up_proj" -> Cut.rows(width(tensor));
            case "gate_up_proj" -> Cut.rows(width(tensor), width(tensor).from(whole.intermediate()));
            case "q_norm" -> normOf(queries());
            case "k_norm" -> normOf(keys());
            case "o_proj" -> bias ? onFirst() : Cut.columns(queries());
            case "down_proj" -> bias ? onFirst() : Cut.columns(width(tensor));
            default -> Cut.WHOLE;
        };
    }

    private Cut onFirst() {
        return rank == 0 ? Cut.WHOLE : Cut.ZEROS;
    }

    /** Of the weights of a norm, which are one head's for all of them, or the heads' one after the other. */
    private Cut normOf(Range columns) {
        return switch (whole.norms().qk()) {
            case ALL_HEADS -> Cut.rows(columns);
            case EACH_HEAD_ITS_OWN -> Cut.rows(headsOf(columns));
            default -> Cut.WHOLE;
        };
    }

    private Range headsOf(Range columns) {
        return new Range(columns.from() / whole.headDim(), columns.to() / whole.headDim());
    }

    private Range queries() {
        return Range.of(whole.heads() * whole.headDim(), rank, size);
    }

    private Range keys() {
        int first = rank * whole.kvHeads() / size;
        return new Range(first * whole.headDim(), (first + keyHeads) * whole.headDim());
    }

    /** Of the MLP that the tensor is of. Experts are divided as plain ones are, so that all ranks have as much to do. */
    private Range width(ExpectedTensor tensor) {
        Experts experts = whole.experts();
        int width = whole.intermediate();
        if (experts != null && tensor.isOfExperts()) {
            width = tensor.isOfSharedExpert() ? experts.shared() : experts.intermediate();
        }
        return Range.of(width, rank, size);
    }
}
