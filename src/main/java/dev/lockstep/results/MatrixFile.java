package dev.lockstep.results;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;

/**
 * Embeddings as NumPy's {@code load} or safetensors' {@code load_file} read them: a matrix of float32, in the latter called
 * {@value #TENSOR}, with a row for each result, in their order; that of a failed one is not a number throughout.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">NumPy's format, version 1.0</a>
 * @see <a href="https://huggingface.co/docs/safetensors/index#format">safetensors' format</a>
 */
final class MatrixFile {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int ALIGNMENT = 64;
    private static final String TENSOR = "embeddings";

    private MatrixFile() {}

    /** Whether a file of this name is such a matrix. */
    static boolean isOne(String file) {
        return file.toLowerCase(Locale.ROOT).endsWith(".npy") || isSafetensors(file);
    }

    private static boolean isSafetensors(String file) {
        return file.toLowerCase(Locale.ROOT).endsWith(".safetensors");
    }

    /**
     * @param count of the results, which the header says before the first of them
     * @param file  whose name says in which form
     */
    static void write(Iterator<Result> results, long count, String file, OutputStream out) throws IOException {
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
                begin(count, vector.length, file, out);
                float[] none = new float[vector.length];
                Arrays.fill(none, Float.NaN);
                missing = bytes(none);
                for (long i = 0; i < failed; i++) {
                    out.write(missing);
                }
            }
            if (vector != null && vector.length * Float.BYTES != missing.length) {
                throw new IOException("its rows have " + missing.length / Float.BYTES + " and " + vector.length
                        + " dimensions, and those of a matrix all have as many: name a file that ends in .jsonl");
            }
            out.write(vector == null ? missing : bytes(vector));
        }
        if (!begun) {
            begin(count, 0, file, out);
        }
    }

    private static void begin(long rows, int columns, String file, OutputStream out) throws IOException {
        if (isSafetensors(file)) {
            String header = "{\"" + TENSOR + "\":{\"dtype\":\"F32\",\"shape\":[" + rows + "," + columns
                    + "],\"data_offsets\":[0," + rows * columns * Float.BYTES + "]}}";
            String padded = header + " ".repeat((Long.BYTES - header.length() % Long.BYTES) % Long.BYTES);
            out.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length()).array());
            out.write(padded.getBytes(StandardCharsets.US_ASCII));
            return;
        }
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
