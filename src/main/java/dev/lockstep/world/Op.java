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
    MAX,
    /** The mean, of floats and doubles: the sum divided by the number of ranks that gave one. */
    AVG,
    /** 1 if all are other than 0, of whole numbers; else 0. */
    LAND,
    /** 1 if one is other than 0, of whole numbers; else 0. */
    LOR,
    /** 1 if an odd number of them are other than 0, of whole numbers; else 0. */
    LXOR,
    /** The bits that all have, of whole numbers. */
    BAND,
    /** The bits that one has, of whole numbers. */
    BOR,
    /** The bits that an odd number of them have, of whole numbers. */
    BXOR
}
