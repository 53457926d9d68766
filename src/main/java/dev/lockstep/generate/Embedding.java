package dev.lockstep.generate;

/**
 * How a prompt becomes a vector: of its tokens' hidden states after the model's last norm.
 *
 * @param pooling    which of them count
 * @param normalized whether the vector is divided by its length
 * @param dimensions of the vector: the first so many that the model has, of models that were trained so that these suffice
 *                   (Kusupati et al. 2022, Matryoshka representation learning); 0 for all
 */
public record Embedding(Pooling pooling, boolean normalized, int dimensions) {
    /** With all dimensions. */
    public Embedding(Pooling pooling, boolean normalized) {
        this(pooling, normalized, 0);
    }

    /** With so many dimensions; 0 for as many as now. */
    public Embedding withDimensions(int count) {
        return count == 0 ? this : new Embedding(pooling, normalized, count);
    }

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
