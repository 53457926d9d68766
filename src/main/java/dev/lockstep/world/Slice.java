package dev.lockstep.world;

import java.lang.reflect.Array;
import java.util.Objects;

/**
 * Elements of an array that a verb of {@link Buffers} takes, or that it writes what has come into: with it nothing is
 * copied out of a larger array beforehand, or into one afterwards.
 *
 * @param <A>    the array's type
 * @param offset of the first element
 * @param length how many
 */
public record Slice<A> (A array, int offset, int length) {
    /** @throws IndexOutOfBoundsException when the array does not have these elements */
    public Slice {
        Objects.checkFromIndexSize(offset, length, Array.getLength(array));
    }

    /** All elements. */
    public static <A> Slice<A> of(A array) {
        return new Slice<>(array, 0, Array.getLength(array));
    }

    /** Some elements. */
    public static <A> Slice<A> of(A array, int offset, int length) {
        return new Slice<>(array, offset, length);
    }
}
