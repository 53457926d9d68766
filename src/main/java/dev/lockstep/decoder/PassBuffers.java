package dev.lockstep.decoder;

import java.util.stream.LongStream;

/**
 * Addresses of what a pass over layers works in: of each, some bytes for every row, one row after the other.
 *
 * @param quantized as wide as the widest of what a product takes in fp8
 * @param experts   for all rows together
 */
record PassBuffers(long x, long normed, long qkv, long attended, long gateUp, long activated, long quantized,
        long rowScales, long squares, long experts) {
    private static final long ALIGNMENT = 256;

    /** No pass. */
    static final PassBuffers NONE = new PassBuffers(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /**
     * How many bytes they have.
     *
     * @param rows   of a pass, as many as products take
     * @param hidden bytes of a row of {@code x} and {@code normed}; the others by their names
     * @param all    of {@code experts}, for all rows
     */
    record Layout(int rows, long hidden, long qkv, long attended, long gateUp, long activated, long quantized,
            long squares, long all) {
        private long[] sizes() {
            return LongStream.of(rows * hidden, rows * hidden, rows * qkv, rows * attended, rows * gateUp,
                    rows * activated, rows * quantized, (long) rows * Float.BYTES, rows * squares, all)
                    .map(PassBuffers::align).toArray();
        }

        /** Of the device's memory. */
        long bytes() {
            return LongStream.of(sizes()).sum();
        }

        /** Divides {@link #bytes} of memory from an address on. */
        PassBuffers at(long address) {
            long[] sizes = sizes();
            long[] starts = new long[sizes.length];
            for (int i = 0; i < starts.length; i++) {
                starts[i] = i == 0 ? address : starts[i - 1] + sizes[i - 1];
            }
            return new PassBuffers(starts[0], starts[1], starts[2], starts[3], starts[4], starts[5], starts[6],
                    starts[7], starts[8], starts[9]);
        }
    }

    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** What rows of the same pass work in from one of them on, while nothing of those before is in {@code experts}. */
    PassBuffers from(int row, Layout layout) {
        return new PassBuffers(x + row * layout.hidden, normed + row * layout.hidden, qkv + row * layout.qkv,
                attended + row * layout.attended, gateUp + row * layout.gateUp, activated + row * layout.activated,
                quantized + row * layout.quantized, rowScales + (long) row * Float.BYTES,
                squares + row * layout.squares, experts);
    }
}
