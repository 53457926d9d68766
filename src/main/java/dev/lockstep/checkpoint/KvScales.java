package dev.lockstep.checkpoint;

import java.util.Collections;
import java.util.List;

/**
 * What keys and values are divided by before they are kept in fp8, by layer. These are powers of 2, so that dividing and
 * multiplying by them rounds nothing.
 */
public record KvScales(List<Float> keys, List<Float> values) {
    /** Keys and values are kept as they are. */
    public static KvScales none(int layers) {
        return new KvScales(Collections.nCopies(layers, 1f), Collections.nCopies(layers, 1f));
    }
}
