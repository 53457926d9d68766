package dev.lockstep.generate;

import dev.lockstep.generate.Embedding.Pooling;

/** What a prompt's embedding is made of, while its tokens come piece by piece. */
final class PooledStates {
    private final Embedding how;
    private final int tokens;
    private double[] sum = {};

    /** @param tokens of the prompt */
    PooledStates(Embedding how, int tokens) {
        this.how = how;
        this.tokens = tokens;
    }

    /** So many of the prompt's first tokens may be taken from the cache, where nothing is known of their states. */
    int needless() {
        return how.pooling() == Pooling.LAST ? tokens : 1;
    }

    /** Of a piece of tokens, the first that counts; the one after the last where none does. */
    int first(int from, int to) {
        return switch (how.pooling()) {
            case MEAN -> from;
            case CLS -> from == 0 ? 0 : to;
            case LAST -> to == tokens ? to - 1 : to;
        };
    }

    /** The one after the last that counts. */
    int end(int from, int to) {
        return how.pooling() == Pooling.CLS && from == 0 ? 1 : to;
    }

    /** What the hidden states of a piece's tokens that count come to. */
    void add(float[] states) {
        if (sum.length == 0) {
            sum = new double[states.length];
        }
        for (int i = 0; i < sum.length; i++) {
            sum[i] += states[i];
        }
    }

    /** Forgets all pieces. */
    void clear() {
        sum = new double[0];
    }

    /** The vector, once all pieces are there. */
    float[] vector() {
        int dimensions = how.dimensions() == 0 ? sum.length : how.dimensions();
        double divisor = how.pooling() == Pooling.MEAN ? tokens : 1;
        if (how.normalized()) {
            double squares = 0;
            for (int i = 0; i < dimensions; i++) {
                squares += sum[i] * sum[i];
            }
            // as PyTorch's normalize has it, a vector of zeros stays one
            divisor = Math.max(1e-12, Math.sqrt(squares));
        }
        float[] vector = new float[dimensions];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) (sum[i] / divisor);
        }
        return vector;
    }
}
