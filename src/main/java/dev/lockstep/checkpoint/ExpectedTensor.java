package dev.lockstep.checkpoint;

/**
 * A tensor that a configuration calls for.
 *
 * @param name  Hugging Face's name
 * @param shape sizes, outermost first ({@code [out, in]} for a projection); not to be written to
 */
public record ExpectedTensor(String name, int[] shape) {
    private static final String WEIGHT = ".weight";

    /** Whether it is the weight of a linear layer, which may be stored in fewer bits. */
    public boolean isLinear() {
        return shape.length == 2 && name.endsWith(WEIGHT) && !name.equals("model.embed_tokens" + WEIGHT);
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

    /** Whether it is of an expert that all tokens go through. */
    public boolean isOfSharedExpert() {
        return name.contains(".mlp.shared_expert.");
    }

    /** The name of the layer whose weight it is. */
    public String module() {
        return name.substring(0, name.length() - WEIGHT.length());
    }
}
