package dev.lockstep.world;

import java.util.function.DoubleBinaryOperator;
import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

import dev.lockstep.world.verbs.ArrayCodec;

/** Two ranks' arrays into one, element by element. */
final class Reduction {
    private Reduction() {}

    /**
     * Combines two arrays into the second.
     *
     * @throws IllegalArgumentException when one is longer
     */
    static <A> A combine(ArrayCodec<A> codec, A first, A second, Op op) {
        codec.checkSame(codec.length(first), codec.length(second));
        if (op == Op.SUM && add(first, second)) {
            return second;
        }
        if (first instanceof byte[] a && second instanceof byte[] b) {
            IntBinaryOperator f = ofInts(op);
            for (int i = 0; i < a.length; i++) {
                b[i] = (byte) f.applyAsInt(a[i], b[i]);
            }
        } else if (first instanceof int[] a && second instanceof int[] b) {
            IntBinaryOperator f = ofInts(op);
            for (int i = 0; i < a.length; i++) {
                b[i] = f.applyAsInt(a[i], b[i]);
            }
        } else if (first instanceof long[] a && second instanceof long[] b) {
            LongBinaryOperator f = ofLongs(op);
            for (int i = 0; i < a.length; i++) {
                b[i] = f.applyAsLong(a[i], b[i]);
            }
        } else if (first instanceof float[] a && second instanceof float[] b) {
            // computed as doubles: rounding a double's result of two floats gives the float's
            DoubleBinaryOperator f = ofDoubles(op);
            for (int i = 0; i < a.length; i++) {
                b[i] = (float) f.applyAsDouble(a[i], b[i]);
            }
        } else if (first instanceof double[] a && second instanceof double[] b) {
            DoubleBinaryOperator f = ofDoubles(op);
            for (int i = 0; i < a.length; i++) {
                b[i] = f.applyAsDouble(a[i], b[i]);
            }
        } else {
            throw new AssertionError(codec.kind());
        }
        return second;
    }

    /** What nearly all reductions are, in loops that the compiler makes vectors of. */
    private static boolean add(Object first, Object second) {
        if (first instanceof float[] a && second instanceof float[] b) {
            for (int i = 0; i < b.length; i++) {
                b[i] = a[i] + b[i];
            }
        } else if (first instanceof double[] a && second instanceof double[] b) {
            for (int i = 0; i < b.length; i++) {
                b[i] = a[i] + b[i];
            }
        } else if (first instanceof int[] a && second instanceof int[] b) {
            for (int i = 0; i < b.length; i++) {
                b[i] = a[i] + b[i];
            }
        } else if (first instanceof long[] a && second instanceof long[] b) {
            for (int i = 0; i < b.length; i++) {
                b[i] = a[i] + b[i];
            }
        } else {
            return false;
        }
        return true;
    }

    private static IntBinaryOperator ofInts(Op op) {
        return switch (op) {
            case SUM -> (a, b) -> a + b;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
        };
    }

    private static LongBinaryOperator ofLongs(Op op) {
        return switch (op) {
            case SUM -> (a, b) -> a + b;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
        };
    }

    private static DoubleBinaryOperator ofDoubles(Op op) {
        return switch (op) {
            case SUM -> (a, b) -> a + b;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
        };
    }
}
