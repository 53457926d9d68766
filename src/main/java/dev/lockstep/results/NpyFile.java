package dev.lockstep.results;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;

/**
 * Embeddings as NumPy's {@code load} reads them: a matrix of float32 with a row for each result, in their order; that of a
 * failed one is not a number throughout.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">NumPy's format, version 1.0</a>
 */
final class NpyFile {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int ALIGNMENT = 64;

    private NpyFile() {}

    /** @param count of the results, which the header says before the first of them */
    static void write(Iterator<Result> results, long count, OutputStream out) throws IOException {
        long failed = 0;
        byte[] missing = {};
        boolean begun = false;
        while (results.hasNext()) {
            float[] vector = results.next().embedding();
            if (vector == null && !begun) {
                failed++; // how wide the matrix is the first vector says
                continue;
            }
            if (!begun && vector != null) {
                begun = true;
                begin(count, vector.length, out);
                float[] none = new float[vector.length];
                Arrays.fill(none, Float.NaN);
                missing = bytes(none);
                for (long i = 0; i < failed; i++) {
                    out.write(missing);
                }
            }
            out.write(vector == null ? missing : bytes(vector));
        }
        if (!begun) {
            begin(count, 0, out);
        }
    }

    private static void begin(long rows, int columns, OutputStream out) throws IOException {
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + rows + ", " + columns + "), }";
        int length = MAGIC.length + Short.BYTES + header.length() + 1;
        String padded = header + " ".repeat((ALIGNMENT - length % ALIGNMENT) % ALIGNMENT) + "\n";
        out.write(MAGIC);
        out.write(ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN).putShort((short) padded.length())
                .array());
        out.write(padded.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] bytes(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return bytes.array();
    }
}
