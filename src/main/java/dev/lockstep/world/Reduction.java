package dev.lockstep.world;

import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntBinaryOperator;
import java.util.function.IntPredicate;
import java.util.function.LongBinaryOperator;

import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Codec;

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

    /**
     * Refuses what cannot be done with such numbers.
     *
     * @throws IllegalArgumentException with the reason
     */
    static void check(Codec.Kind kind, Op op) {
        boolean whole = kind != Codec.Kind.FLOATS && kind != Codec.Kind.DOUBLES;
        if (op == Op.AVG && whole) {
            throw new IllegalArgumentException("Op.AVG is for floats and doubles, not for " + kind
                    + ": take Op.SUM and divide as you would have it rounded");
        }
        if (op.compareTo(Op.AVG) > 0 && !whole) {
            throw new IllegalArgumentException("Op." + op + " is for bytes, ints and longs, not for " + kind);
        }
    }

    /** What is left to be done with what numbers of some ranks have been combined to. */
    static <A> A finish(A values, Op op, int ranks) {
        if (op == Op.AVG && values instanceof float[] a) {
            for (int i = 0; i < a.length; i++) {
                a[i] /= ranks;
            }
        } else if (op == Op.AVG && values instanceof double[] a) {
            for (int i = 0; i < a.length; i++) {
                a[i] /= ranks;
            }
        }
        return values;
    }

    /** Of each element the rank if it is the one in the other array, which a NaN is of any; else more than any rank. */
    static int[] holders(Object values, Object best, int rank) {
        IntPredicate same;
        if (values instanceof byte[] a && best instanceof byte[] b) {
            same = i -> a[i] == b[i];
        } else if (values instanceof int[] a && best instanceof int[] b) {
            same = i -> a[i] == b[i];
        } else if (values instanceof long[] a && best instanceof long[] b) {
            same = i -> a[i] == b[i];
        } else if (values instanceof float[] a && best instanceof float[] b) {
            same = i -> Float.compare(a[i], b[i]) == 0;
        } else if (values instanceof double[] a && best instanceof double[] b) {
            same = i -> Double.compare(a[i], b[i]) == 0;
        } else {
            throw new AssertionError(values.getClass());
        }
        int[] holders = new int[Array.getLength(values)];
        Arrays.setAll(holders, i -> same.test(i) ? rank : Integer.MAX_VALUE);
        return holders;
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
            case LAND -> (a, b) -> a != 0 && b != 0 ? 1 : 0;
            case LOR -> (a, b) -> a != 0 || b != 0 ? 1 : 0;
            case LXOR -> (a, b) -> a != 0 ^ b != 0 ? 1 : 0;
            case BAND -> (a, b) -> a & b;
            case BOR -> (a, b) -> a | b;
            case BXOR -> (a, b) -> a ^ b;
            case AVG -> throw new AssertionError(op);
        };
    }

    private static LongBinaryOperator ofLongs(Op op) {
        return switch (op) {
            case SUM -> (a, b) -> a + b;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
            case LAND -> (a, b) -> a != 0 && b != 0 ? 1 : 0;
            case LOR -> (a, b) -> a != 0 || b != 0 ? 1 : 0;
            case LXOR -> (a, b) -> a != 0 ^ b != 0 ? 1 : 0;
            case BAND -> (a, b) -> a & b;
            case BOR -> (a, b) -> a | b;
            case BXOR -> (a, b) -> a ^ b;
            case AVG -> throw new AssertionError(op);
        };
    }

    private static DoubleBinaryOperator ofDoubles(Op op) {
        return switch (op) {
            case SUM, AVG -> (a, b) -> a + b;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
            case LAND, LOR, LXOR, BAND, BOR, BXOR -> throw new AssertionError(op);
        };
    }
}
