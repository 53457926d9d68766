package dev.lockstep.world;

/** How {@link Buffers#reduce} combines numbers, element by element. */
public enum Op {
    /** The sum; whole numbers wrap around as Java's do. */
    SUM,
    /** The product; whole numbers wrap around as Java's do. */
    PROD,
    /** The least; NaN if one is NaN. */
    MIN,
    /** The greatest; NaN if one is NaN. */
    MAX
}
