package dev.lockstep.model;

import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * The shapes and constants of a decoder-only transformer, from a checkpoint's {@code config.json}. Both forms that
 * transformers has written give the same record: {@code rope_theta}, {@code rope_scaling} and {@code torch_dtype} (up
 * to 4.x), {@code rope_parameters} and {@code dtype} (5.x). A key that is absent has the default of that family's
 * configuration class in transformers.
 *
 * @param family           the file's model_type, such as llama
 * @param hidden           width of the residual stream
 * @param heads            query heads
 * @param kvHeads          key and value heads; divides {@code heads}
 * @param headDim          width of one head, even; {@code heads * headDim} need not be {@code hidden}
 * @param intermediate     width of the gated MLP
 * @param vocabulary       rows of the embedding, which may be more than the tokenizer has tokens
 * @param contextLength    positions the model was made for
 * @param tiedEmbeddings   the output projection is the input embedding
 * @param attentionBias    q, k and v projections have a bias
 * @param outputBias       the attention's output projection has a bias
 * @param mlpBias          the three MLP projections have a bias
 * @param stored           how its weights are stored
 * @param norms            RMS norms
 * @param attention        what attention computes, layer by layer
 * @param embeddingScale   embeddings are multiplied by it, rounded to the type of computation; 1 for none
 * @param finalSoftcap     logits pass {@code softcap * tanh(x / softcap)}; 0 for none
 * @param activation       the MLP's activation
 * @param dtype            the type the model computes in where nothing else is asked for
 * @param experts          what MLPs of some layers are made of, or null where all are plain
 * @param ends             what there is beside the embedding and the output projection
 */
public record ModelConfig(String family, int hidden, int heads, int kvHeads, int headDim, int intermediate,
        int vocabulary, int contextLength, boolean tiedEmbeddings, boolean attentionBias, boolean outputBias,
        boolean mlpBias, Stored stored, Norms norms, Attention attention, double embeddingScale,
        double finalSoftcap, Activation activation, DType dtype,
        @Nullable Experts experts, Ends ends) {

    /**
     * The MLP's activation: of one of two projections, which gates the other, or {@code ALONE} of the only one there is.
     * GELU_TANH is the approximation by a hyperbolic tangent, SQUARED_RELU its square, CLAMPED that of GPT-OSS: both
     * projections are kept within 7 of 0, the gate from above alone, which passes a sigmoid of 1.702 times itself, and 1 is
     * added to the other. XIELU has two learned numbers a layer.
     */
    public enum Activation {
        SILU(false, "silu"), GELU_TANH(false, "gelu_tanh"), CLAMPED(false, "clamped"),
        GELU_TANH_ALONE(true, "gelu_tanh"), GELU_ALONE(true,
                "gelu"),
        RELU_ALONE(true, "relu"), SQUARED_RELU_ALONE(true, "relu2"), XIELU_ALONE(true, "xielu");

        private final boolean alone;
        private final String function;

        Activation(boolean alone, String function) {
            this.alone = alone;
            this.function = function;
        }

        /** Whether there is no projection that it gates. */
        public boolean isAlone() {
            return alone;
        }

        /** The name of what is computed, as the decoder's program has it. */
        public String function() {
            return function;
        }
    }

    /**
     * What a norm of queries and of keys goes over before rotation, or after it in {@code EACH_HEAD_TURNED}; in
     * {@code EACH_HEAD_ITS_OWN} every head has weights of its own. {@code TURNED_WITHOUT_WEIGHT} is that of each head after
     * rotation, of layers that have one, without a weight.
     */
    public enum QkNorm {
        NONE, EACH_HEAD, ALL_HEADS, EACH_HEAD_TURNED, EACH_HEAD_ITS_OWN, TURNED_WITHOUT_WEIGHT
    }

    /** What the MLP takes: the residual stream after attention, or, where both are computed side by side, that before. */
    public enum Residual {
        IN_TURN, PARALLEL, PARALLEL_WITH_ONE_NORM
    }

    /** What norms are: RMS norms, or layer norms, which take the mean away, with or without a bias. */
    public enum NormForm {
        RMS, LAYER, LAYER_WITH_BIAS
    }

    /**
     * Norms.
     *
     * @param eps    epsilon of all of them
     * @param before attention and MLP take normed input
     * @param after  what attention and MLP give is normed before it is added to the residual stream
     * @param qk     norms of queries and keys
     * @param wide   the weight multiplies in float32, before the result is rounded
     * @param addOne weights are stored less one; only where {@code wide}
     * @param form     of all but those of queries and keys of RMS
     * @param residual what the MLP's goes over
     */
    public record Norms(double eps, boolean before, boolean after, QkNorm qk, boolean wide, boolean addOne,
            NormForm form, Residual residual) {
        /** RMS norms of a model whose attention and MLP are computed in turn. */
        public Norms(double eps, boolean before, boolean after, QkNorm qk, boolean wide, boolean addOne) {
            this(eps, before, after, qk, wide, addOne, NormForm.RMS, Residual.IN_TURN);
        }

        /** Llama's: before attention and MLP only. */
        public static Norms before(double eps) {
            return new Norms(eps, true, false, QkNorm.NONE, false, false);
        }

        /** These with norms of queries and keys as well. */
        public Norms with(QkNorm other) {
            return new Norms(eps, before, after, other, wide, addOne, form, residual);
        }
    }

    /**
     * Attention.
     *
     * @param scale   products of queries and keys are multiplied by it
     * @param softcap then they pass {@code softcap * tanh(x / softcap)}; 0 for none
     * @param layers  in what the layers differ, first to last
     * @param sinks   each head attends to something besides that gives nothing, as much as is learned
     */
    public record Attention(double scale, double softcap, List<Layer> layers, boolean sinks) {
        /** One that attends to tokens alone. */
        public Attention(double scale, double softcap, List<Layer> layers) {
            this(scale, softcap, layers, false);
        }

        public Attention {
            layers = List.copyOf(layers);
        }

        /** Layers that are all alike, and the usual scale. */
        public static Attention alike(int layers, int headDim, int window, Rope rope) {
            return new Attention(1 / Math.sqrt(headDim), 0, Collections.nCopies(layers, new Layer(window, rope)));
        }
    }

    /**
     * What one layer's attention does of its own.
     *
     * @param window a token sees so many tokens, itself included; 0 is no limit
     * @param rope   rotary position embedding, or null for none
     */
    public record Layer(int window, @Nullable Rope rope) {}

    /**
     * How weights are stored, and what is done to them once, as they are loaded, instead of to what is computed with them.
     *
     * @param fusedQueries   q, k and v are one tensor
     * @param fusedGate      the MLP's gate and up are one tensor
     * @param interleaved    of a head's dimensions two neighbours turn together, not one of each half: rows of q and k change
     *                       their places
     * @param residualFactor what attention and MLP give is multiplied by it before it is added to the residual stream: their
     *                       last weights are
     * @param logitFactor    logits are multiplied by it: the last norm's weight is
     * @param names          where they differ from Llama's
     * @param queryGroups    where q, k and v are one tensor: it has them group by group, each with its queries, its key and its
     *                       value; 0 where it has all queries first
     * @param transposed     projections of layers are [in, out]
     * @param normsApart     where each head has norms of its own: they are tensors of their own
     */
    public record Stored(boolean fusedQueries, boolean fusedGate, boolean interleaved, double residualFactor,
            double logitFactor, TensorNames names, int queryGroups, boolean transposed, boolean normsApart) {
        /** One whose projections are [out, in], and if q, k and v are fused, has queries first. */
        public Stored(boolean fusedQueries, boolean fusedGate, boolean interleaved, double residualFactor,
                double logitFactor, TensorNames names) {
            this(fusedQueries, fusedGate, interleaved, residualFactor, logitFactor, names, 0, false, false);
        }

        /** As Llama's, which has all tensors apart, or as Phi-3's, which has them fused. */
        public static Stored plain(boolean fused) {
            return new Stored(fused, fused, false, 1, 1, TensorNames.LLAMA);
        }

        /** The same with other names. */
        public Stored with(TensorNames other) {
            return new Stored(fusedQueries, fusedGate, interleaved, residualFactor, logitFactor, other, queryGroups,
                    transposed, normsApart);
        }
    }

    /**
     * Which experts a token goes through: those of the best scores, with their scores as shares.
     *
     * @param perToken   so many
     * @param sigmoid    scores are sigmoids, and a bias is added to them for the choice alone, but for experts of scaled
     *                   input; else a softmax over all, in float32
     * @param normalized shares are divided by the sum of them
     * @param groups     experts are in so many groups, 1 for all in one
     * @param chosen     only those of so many groups are chosen from, by the sum of each group's two best scores
     * @param factor     shares are multiplied by it in the end
     */
    public record Routing(int perToken, boolean sigmoid, boolean normalized, int groups, int chosen, double factor) {
        /** By a softmax. */
        public static Routing softmax(int perToken, boolean normalized) {
            return new Routing(perToken, false, normalized, 1, 1, 1);
        }
    }

    /**
     * A mixture of experts, gated MLPs of which each token goes through some.
     *
     * @param count        experts of a layer
     * @param intermediate width of each
     * @param routing      which of them
     * @param shared       width of one that all tokens go through besides; 0 for none
     * @param sharedGate   what that one gives is weighed by a sigmoid of its own
     * @param stacked      the tensors of a layer's experts are stored as one
     * @param transposed   those are [in, out]
     * @param byTurns      of those gate and up are by turns, not one after the other
     * @param biased       router and experts have biases
     * @param scalesInput  what an expert takes is multiplied by the token's share, and not what it gives
     * @param plainLayers  the layers whose MLP is a plain one
     */
    public record Experts(int count, int intermediate, Routing routing, int shared, boolean sharedGate, boolean stacked,
            boolean transposed, boolean byTurns, boolean biased, boolean scalesInput, Set<Integer> plainLayers) {
        public Experts {
            plainLayers = Set.copyOf(plainLayers);
        }

        /** These with one of this width that all tokens go through. */
        public Experts withShared(int width, boolean gate) {
            return new Experts(count, intermediate, routing, width, gate, stacked, transposed, byTurns, biased,
                    scalesInput, plainLayers);
        }

        /** These, of which a layer's tensors are stored as one. */
        public Experts asOneTensor() {
            return new Experts(count, intermediate, routing, shared, sharedGate, true, transposed, byTurns, biased,
                    scalesInput, plainLayers);
        }

        /** These as GPT-OSS stores them. */
        public Experts byTurnsWithBiases() {
            return new Experts(count, intermediate, routing, shared, sharedGate, true, true, true, true, scalesInput,
                    plainLayers);
        }

        /** These as Llama 4's: each token goes through the best one, which takes it times the sigmoid of its score. */
        public Experts ofScaledInput() {
            return new Experts(count, intermediate, new Routing(1, true, false, 1, 1, 1), shared, sharedGate, true,
                    true,
                    false, biased, true, plainLayers);
        }

        /** These, but for layers whose MLP is a plain one. */
        public Experts withPlain(Set<Integer> layers) {
            return new Experts(count, intermediate, routing, shared, sharedGate, stacked, transposed, byTurns, biased,
                    scalesInput, layers);
        }

        /** These with another choice. */
        public Experts with(Routing other) {
            return new Experts(count, intermediate, other, shared, sharedGate, stacked, transposed, byTurns, biased,
                    scalesInput, plainLayers);
        }

        private Experts part(int size) {
            return new Experts(count, intermediate / size, routing, shared / size, sharedGate, stacked, transposed,
                    byTurns,
                    biased, scalesInput, plainLayers);
        }
    }

    /**
     * What some families have at either end.
     *
     * @param positions     rows of an embedding of positions, which is added to that of tokens; 0 for none
     * @param firstPosition the row of a sequence's first token
     * @param headBias      the output projection has a bias
     */
    public record Ends(int positions, int firstPosition, boolean headBias) {
        /** Neither. */
        public static final Ends NONE = new Ends(0, 0, false);
    }

    /** One without experts, whose weights are stored as Llama's, or {@code fused} as Phi-3's. */
    public ModelConfig(String family, int hidden, int heads, int kvHeads, int headDim, int intermediate, int vocabulary,
            int contextLength, boolean tiedEmbeddings, boolean attentionBias, boolean outputBias, boolean mlpBias,
            boolean fused, Norms norms, Attention attention, double embeddingScale, double finalSoftcap,
            Activation activation, DType dtype) {
        this(family, hidden, heads, kvHeads, headDim, intermediate, vocabulary, contextLength, tiedEmbeddings,
                attentionBias, outputBias, mlpBias, Stored.plain(fused), norms, attention, embeddingScale,
                finalSoftcap, activation, dtype, null, Ends.NONE);
    }

    /** Decoder layers. */
    public int layers() {
        return attention.layers.size();
    }

    /** Whether the MLP of a layer is a mixture of experts. */
    public boolean hasExperts(int layer) {
        return experts != null && !experts.plainLayers.contains(layer);
    }

    /** The rotary embeddings that layers have, each once, in the order of the layers. */
    public List<Rope> ropes() {
        return attention.layers.stream().map(Layer::rope).filter(Objects::nonNull).distinct().toList();
    }

    /** The longest prompt whose tokens can be turned as the model's rotary embedding wants it. */
    public int longestPrompt() {
        return ropes().stream().mapToInt(Rope::longestPrompt).min().orElse(Integer.MAX_VALUE);
    }

    /** Sequences of more tokens than this are turned otherwise from the first token on. */
    public int nearTokens() {
        return ropes().stream().mapToInt(Rope::nearTokens).min().orElse(Integer.MAX_VALUE);
    }

    /** Bytes of the keys and values of one token. */
    public long tokenBytes(DType type) {
        return 2L * layers() * kvHeads * headDim * type.bytes();
    }

    public ModelConfig withDtype(DType other) {
        return new ModelConfig(family, hidden, heads, kvHeads, headDim, intermediate, vocabulary, contextLength,
                tiedEmbeddings, attentionBias, outputBias, mlpBias, stored, norms, attention, embeddingScale,
                finalSoftcap, activation, other, experts, ends);
    }

    /**
     * The shapes of what one of {@code size} ranks has of the model, in all of its layers: so many heads and rows of the
     * vocabulary, and its share of the MLPs.
     */
    public ModelConfig part(int size, int heads, int kvHeads, int vocabulary) {
        return new ModelConfig(family, hidden, heads, kvHeads, headDim, intermediate / size, vocabulary, contextLength,
                tiedEmbeddings, attentionBias, outputBias, mlpBias, stored, norms, attention, embeddingScale,
                finalSoftcap, activation, dtype, experts == null ? null : experts.part(size), ends);
    }

    /** The same with an output projection of its own. */
    public ModelConfig untied() {
        return tied(false);
    }

    /** The same with the input embedding for an output projection. */
    public ModelConfig tied() {
        return tied(true);
    }

    private ModelConfig tied(boolean tied) {
        return new ModelConfig(family, hidden, heads, kvHeads, headDim, intermediate, vocabulary, contextLength, tied,
                attentionBias, outputBias, mlpBias, stored, norms, attention, embeddingScale, finalSoftcap,
                activation, dtype, experts, ends);
    }
}
