package dev.lockstep.generate;

/**
 * How a prompt becomes a vector: of its tokens' hidden states after the model's last norm.
 *
 * @param pooling    which of them count
 * @param normalized whether the vector is divided by its length
 */
public record Embedding(Pooling pooling, boolean normalized) {
    /** Which hidden states come to a vector. */
    public enum Pooling {
        /** The last token's, which has seen all others. */
        LAST,
        /** The mean of all. */
        MEAN,
        /** The first token's. */
        CLS
    }
}
