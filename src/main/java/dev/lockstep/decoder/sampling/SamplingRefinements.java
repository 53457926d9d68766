package dev.lockstep.decoder.sampling;

/**
 * What few rows ask of the choice of their tokens; the names are those of transformers' {@code GenerationConfig}.
 *
 * @param promptPenalty the encoder_repetition_penalty: multiplies positive and divides negative logits of the prompt's
 *                      tokens; 1 is none
 * @param typicalP      keep the tokens whose information is nearest to the entropy, until they reach this probability; 1
 *                      keeps all
 * @param epsilonCutoff drop tokens less likely than this; 0 drops none
 * @param etaCutoff     the same, with a limit that is lower where the entropy is high; 0 drops none
 * @param decayStart    new tokens after which end tokens begin to gain
 * @param decayFactor   by which an end token's logit grows with each token from then on; 1 is not at all
 */
public record SamplingRefinements(double promptPenalty, double typicalP, double epsilonCutoff, double etaCutoff,
        int decayStart,
        double decayFactor) {
    /** Nothing of all this. */
    public static final SamplingRefinements NONE = new SamplingRefinements(1, 1, 0, 0, 0, 1);

    /** Whether tokens are dropped by one of the three filters. */
    boolean filters() {
        return typicalP < 1 || epsilonCutoff > 0 || etaCutoff > 0;
    }
}
