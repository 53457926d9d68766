package dev.lockstep.family;

/**
 * How a family's files tell of rotary embedding, where that differs.
 *
 * @param partial      the share of a head's dimensions that turn where the file does not say it; 0 where all do and the file
 *                     must not say otherwise
 * @param olderNames   longrope is called su or yarn in older files, and the original context is beside the scaling
 * @param reaches      a context that is stretched linearly is longer than the file says
 * @param localTheta   the base of layers with a window where those without have another; 0 where it is the same
 */
record RopeForm(double partial, boolean olderNames, boolean reaches, double localTheta) {
    static final RopeForm PLAIN = new RopeForm(0, false, true, 0);

    /** One of which a part of each head may turn. */
    static RopeForm partial(double absent) {
        return new RopeForm(absent, false, true, 0);
    }
}
