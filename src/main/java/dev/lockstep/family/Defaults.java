package dev.lockstep.family;

/**
 * What the family's configuration class in transformers takes for a key that is absent.
 *
 * @param kvHeads       0 is as many as there are heads
 * @param headDim       0 is the hidden size over the heads
 * @param intermediate  0 is four times the hidden size
 * @param contextLength positions
 * @param eps           of norms
 * @param theta         base of the rotary embedding
 * @param tied          the output projection is the embedding
 */
record Defaults(int layers, int hidden, int heads, int kvHeads, int headDim, int intermediate, int vocabulary,
        int contextLength, double eps, double theta, boolean tied) {}
