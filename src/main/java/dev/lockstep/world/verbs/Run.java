package dev.lockstep.world.verbs;

/**
 * Some ranks in a row.
 *
 * @param end the rank after the last
 */
record Run(int first, int end) {
    int size() {
        return end - first;
    }
}
