package dev.lockstep.model;

import java.util.List;

/**
 * Rotary position embedding: pair {@code i} of a head's dimensions is turned by an angle that grows with the position. The
 * stretched forms are those of transformers' rope types.
 *
 * @param theta   base of the frequencies
 * @param width   so many of a head's dimensions turn, from the first on; even
 * @param scaling how it is stretched to more positions than the model was first trained for
 */
public record Rope(double theta, int width, Scaling scaling) {
    /** Not stretched. */
    public Rope(double theta, int width) {
        this(theta, width, new Plain());
    }

    /**
     * The angle by which position 1 turns each pair of dimensions, {@code theta^(-2i/width)} for pair {@code i} where
     * nothing is stretched.
     *
     * @return width / 2 angles in radians, from the fastest to the slowest
     */
    public double[] inverseFrequencies() {
        double[] angles = new double[width / 2];
        for (int i = 0; i < angles.length; i++) {
            angles[i] = scaling.stretch(Math.pow(theta, -2.0 * i / width), i, this);
        }
        return angles;
    }

    /** Cosines and sines are multiplied by it. */
    public double magnitude() {
        return scaling.magnitude();
    }

    /**
     * The angles of sequences that come to have more than {@link #nearTokens} tokens.
     *
     * @return width / 2 angles in radians, or none where all sequences turn alike
     */
    public double[] farFrequencies() {
        return scaling instanceof LongRope it
                ? new Rope(theta, width, it.farther()).inverseFrequencies()
                : new double[0];
    }

    /** Sequences of at most so many tokens turn by {@link #inverseFrequencies}. */
    public int nearTokens() {
        return scaling instanceof LongRope it ? it.originalContextLength : Integer.MAX_VALUE;
    }

    /** The longest prompt that can be turned as transformers does. */
    public int longestPrompt() {
        return scaling instanceof Dynamic it ? it.contextLength : Integer.MAX_VALUE;
    }

    /** How the angles of one model are stretched. */
    public sealed interface Scaling permits Plain,Linear,Llama3,Yarn,LongRope,Dynamic {
        /**
         * The angle of one pair at position 1.
         *
         * @param angle not stretched
         */
        default double stretch(double angle, int pair, Rope rope) {
            return angle;
        }

        default double magnitude() {
            return 1;
        }

        /** Positions that a model of so many in its {@code max_position_embeddings} can take. */
        default int reach(int positions) {
            return positions;
        }
    }

    /** As it was published first. */
    public record Plain() implements Scaling {}

    /**
     * Positions are divided by the factor (Kaiokendev).
     *
     * @param reaches whether {@code max_position_embeddings} leaves the factor out
     */
    public record Linear(double factor, boolean reaches) implements Scaling {
        @Override
        public double stretch(double angle, int pair, Rope rope) {
            return angle / factor;
        }

        @Override
        public int reach(int positions) {
            return reaches ? times(positions, factor) : positions;
        }
    }

    /**
     * Llama 3.1's stretching by frequency: {@code apply_scaling} of Meta's
     * <a href="https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py">llama-models</a>.
     *
     * @param factor                how far low frequencies are slowed down
     * @param lowFrequencyFactor    wavelengths above {@code originalContextLength / lowFrequencyFactor} get all of it
     * @param highFrequencyFactor   wavelengths below {@code originalContextLength / highFrequencyFactor} get none of it
     * @param originalContextLength positions before the stretching
     */
    public record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor,
            int originalContextLength)
            implements
                Scaling {
        @Override
        public double stretch(double angle, int pair, Rope rope) {
            double turns = originalContextLength * angle / (2 * Math.PI);
            if (turns > highFrequencyFactor) {
                return angle;
            }
            if (turns < lowFrequencyFactor) {
                return angle / factor;
            }
            double keep = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            return (1 - keep) * angle / factor + keep * angle;
        }
    }

    /**
     * YaRN (Peng et al., <a href="https://arxiv.org/abs/2309.00071">2309.00071</a>): pairs that turn often within the
     * original context stay as they are, those that hardly turn are slowed down by the factor, and in between there is a
     * ramp.
     *
     * @param fast      pairs that turn at least so many times stay
     * @param slow      pairs that turn at most so many times get all of the factor
     * @param magnitude cosines and sines are multiplied by it
     * @param truncate  whether the ramp begins and ends at whole pairs
     */
    public record Yarn(double factor, int originalContextLength, double fast, double slow, double magnitude,
            boolean truncate) implements Scaling {
        /** The magnitude that the paper gives a factor. */
        public static double magnitude(double factor, double weight) {
            return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
        }

        @Override
        public double stretch(double angle, int pair, Rope rope) {
            double first = pair(fast, rope);
            double last = pair(slow, rope);
            double low = Math.max(truncate ? Math.floor(first) : first, 0);
            double high = Math.min(truncate ? Math.ceil(last) : last, rope.width - 1);
            double ramp = high == low ? 0.001 : high - low;
            double slowed = Math.min(1, Math.max(0, (pair - low) / ramp));
            return angle / factor * slowed + angle * (1 - slowed);
        }

        /** The pair, in fractions of one, that turns so many times within the original context. */
        private double pair(double turns, Rope rope) {
            return rope.width * Math.log(originalContextLength / (turns * 2 * Math.PI)) / (2 * Math.log(rope.theta));
        }

        @Override
        public int reach(int positions) {
            return Math.max(positions, times(originalContextLength, factor));
        }
    }

    /**
     * LongRoPE (Ding et al., <a href="https://arxiv.org/abs/2402.13753">2402.13753</a>): each pair has a factor of its
     * own, and another one in sequences that are longer than the original context.
     *
     * @param near the factors up to {@code originalContextLength} tokens, width / 2
     * @param far  those of longer sequences
     */
    public record LongRope(List<Double> near, List<Double> far, int originalContextLength, double magnitude)
            implements
                Scaling {
        public LongRope {
            near = List.copyOf(near);
            far = List.copyOf(far);
        }

        /** The magnitude that the paper gives a factor. */
        public static double magnitude(double factor, int originalContextLength) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength));
        }

        @Override
        public double stretch(double angle, int pair, Rope rope) {
            return angle / near.get(pair);
        }

        /** That of the longer sequences. */
        private LongRope farther() {
            return new LongRope(far, far, originalContextLength, magnitude);
        }
    }

    /**
     * NTK-aware scaling (bloc97, emozilla): as published first up to the context's length, and for a token beyond it with
     * a base that grows with the token's position.
     *
     * @param contextLength positions that are not stretched
     */
    public record Dynamic(double factor, int contextLength) implements Scaling {
        @Override
        public int reach(int positions) {
            return times(positions, factor);
        }
    }

    private static int times(int positions, double factor) {
        return (int) Math.min(Integer.MAX_VALUE, Math.floor(positions * Math.max(1, factor)));
    }
}
