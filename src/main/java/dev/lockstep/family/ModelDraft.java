package dev.lockstep.family;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.Rope;
import dev.lockstep.model.TensorNames;

/** What a family says of its models; without a word they are as Llama's. */
final class ModelDraft {
    private final ConfigFile file;
    // 0 is what the file says
    private int kvHeads;
    private boolean queryBias;
    private boolean outputBias;
    private boolean mlpBias;
    private boolean tied;
    private Norms norms;
    private double attentionScale;
    private double attentionSoftcap;
    // those of layers that are all alike and see all tokens, unless the family says otherwise
    private @Nullable Rope rope;
    private @Nullable List<Layer> layers;
    private double embeddingScale = 1;
    private double finalSoftcap;
    private @Nullable Activation activation;
    private boolean sinks;
    private int longest = Integer.MAX_VALUE;
    private @Nullable Experts experts;
    private Ends ends = Ends.NONE;
    private Stored stored = Stored.plain(false);

    ModelDraft(ConfigFile file) {
        this.file = file;
        this.tied = file.flag("tie_word_embeddings", file.defaults().tied());
        this.norms = Norms.before(file.eps("rms_norm_eps"));
        this.attentionScale = 1 / Math.sqrt(file.headDim());
    }

    /** Biases of q, k and v, of the attention's output projection, and of the MLP's three. */
    void biases(boolean queries, boolean output, boolean mlp) {
        queryBias = queries;
        outputBias = output;
        mlpBias = mlp;
    }

    void tied(boolean yes) {
        tied = yes;
    }

    void qkNorm(QkNorm form) {
        norms = norms.with(form);
    }

    /** Norms around attention and MLP, with the eps that the file has. */
    void norms(boolean before, boolean after, QkNorm qk, boolean wide, boolean addOne) {
        norms = new Norms(norms.eps(), before, after, qk, wide, addOne);
    }

    /** Products of queries and keys are multiplied by it, and pass this cap, if it is not 0. */
    void attention(double scale, double softcap) {
        attentionScale = scale;
        attentionSoftcap = softcap;
    }

    /** @param full the rotary embedding of layers that see all tokens, which the context's length follows from */
    void layers(Rope full, List<Layer> each) {
        rope = full;
        layers = each;
    }

    /** Layer norms instead of RMS norms, and what the MLP takes. */
    void layerNorms(boolean bias, Residual residual) {
        norms = new Norms(norms.eps(), true, false, norms.qk(), norms.wide(), norms.addOne(),
                bias ? NormForm.LAYER_WITH_BIAS : NormForm.LAYER, residual);
    }

    void ends(Ends other) {
        ends = other;
    }

    /** No layer turns: positions are learned. */
    void layersWithoutRotation() {
        layers = file.alike(0, null);
    }

    /** Rows have no more tokens than this. */
    void longest(int tokens) {
        longest = tokens;
    }

    void kvHeads(int count) {
        kvHeads = count;
    }

    void embeddingScale(double factor) {
        embeddingScale = factor;
    }

    void finalSoftcap(double cap) {
        finalSoftcap = cap;
    }

    void experts(Experts mixture) {
        experts = mixture;
    }

    void stored(Stored form) {
        stored = form;
    }

    TensorNames names() {
        return stored.names();
    }

    void names(TensorNames names) {
        stored = stored.with(names);
    }

    void sinks() {
        sinks = true;
    }

    void activation(Activation other) {
        activation = other;
    }

    ModelConfig config(String family) {
        Defaults absent = file.defaults();
        Rope full = rope == null ? file.rope() : rope;
        List<Layer> each = layers == null ? file.alike(0, full) : layers;
        return new ModelConfig(family, file.hidden(), file.heads(), kvHeads == 0 ? file.kvHeads() : kvHeads,
                file.headDim(),
                file.size("intermediate_size",
                        absent.intermediate() == 0 ? 4 * file.hidden() : absent.intermediate()),
                file.size("vocab_size", absent.vocabulary()),
                // positions that rows may have: where they are stretched, often more than the file says
                Math.min(longest, full.scaling().reach(file.positions())), tied, queryBias, outputBias, mlpBias, stored,
                norms,
                new Attention(attentionScale, attentionSoftcap, each, sinks), embeddingScale, finalSoftcap,
                activation == null ? file.activation("hidden_act", "silu") : activation,
                file.dtype(), experts, ends);
    }
}
