package dev.lockstep.checkpoint;

/**
 * A tensor that a configuration calls for.
 *
 * @param name  Hugging Face's name
 * @param shape sizes, outermost first ({@code [out, in]} for a projection); not to be written to
 * @param transposed a projection that is stored as {@code [in, out]}
 */
public record ExpectedTensor(String name, int[] shape, boolean transposed) {
    private static final String WEIGHT = ".weight";

    /** One that is stored in its shape. */
    public ExpectedTensor(String name, int[] shape) {
        this(name, shape, false);
    }

    /** The shape that it is stored in; not to be written to. */
    int[] storedShape() {
        int[] stored = shape.clone();
        if (transposed) {
            int last = shape.length - 1;
            stored[last] = shape[last - 1];
            stored[last - 1] = shape[last];
        }
        return stored;
    }

    /** Whether it is the weight of a linear layer, which may be stored in fewer bits. */
    public boolean isLinear() {
        return shape.length == 2 && name.endsWith(WEIGHT) && !name.startsWith("model.embed_") && !isOfQueryOrKeyNorm();
    }

    /** Whether it is the weight of a linear layer that each of the model's layers has one of. */
    public boolean isLinearOfLayer() {
        return isLinear() && name.startsWith(ModelWeight.LAYERS);
    }

    /** Whether it is of the projections whose results turn with their position. */
    public boolean isOfQueriesOrKeys() {
        return name.contains(".q_proj.") || name.contains(".k_proj.");
    }

    /** Whether it is of a mixture of experts. */
    public boolean isOfExperts() {
        return name.contains(".mlp.experts.") || name.contains(".mlp.gate.") || isOfSharedExpert()
                || name.contains(".mlp.shared_expert_gate.");
    }

    /** Whether it has the weights of all of a layer's experts, [experts, out, in]. */
    public boolean isOfAllExperts() {
        return shape.length == 3;
    }

    /** Whether it is of an expert that all tokens go through. */
    public boolean isOfSharedExpert() {
        return name.contains(".mlp.shared_expert.");
    }

    /** Whether it is of queries, keys and values in one. */
    public boolean isOfQueriesKeysAndValues() {
        return name.contains(".qkv_proj.");
    }

    /** Whether it is of a norm of queries or of keys. */
    public boolean isOfQueryOrKeyNorm() {
        return name.contains(".q_norm.") || name.contains(".k_norm.");
    }

    /** The name of the layer whose weight it is. */
    public String module() {
        return name.substring(0, name.length() - WEIGHT.length());
    }
}
