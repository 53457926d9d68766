package dev.lockstep.journal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * Tells a journal's lines from all others: behind its JSON each has a space and eight digits, a CRC32C over the job's name and
 * the JSON. A line that is damaged, or another job's, does not fit.
 */
public final class LineSeal {
    private static final int DIGITS = 8;

    private final byte[] job;

    /** @param job what the job is called, the same in each of its runs and in no other job */
    public LineSeal(String job) {
        this.job = job.getBytes(StandardCharsets.UTF_8);
    }

    /** Writes a line with its sum and line break. */
    public void write(byte[] json, ByteArrayOutputStream out) {
        out.writeBytes(json);
        out.write(' ');
        out.writeBytes(digits(json, 0, json.length));
        out.write('\n');
    }

    /**
     * @param start where in the bytes the line begins
     * @param end   where its line break is
     * @return how long its JSON is, -1 where the line is not exactly what was written
     */
    int length(byte[] bytes, int start, int end) {
        int length = end - start - DIGITS - 1;
        if (length < 0 || bytes[start + length] != ' ') {
            return -1;
        }
        byte[] right = digits(bytes, start, length);
        for (int i = 0; i < DIGITS; i++) {
            if (bytes[end - DIGITS + i] != right[i]) {
                return -1;
            }
        }
        return length;
    }

    private byte[] digits(byte[] bytes, int start, int length) {
        CRC32C sum = new CRC32C();
        sum.update(job);
        sum.update(bytes, start, length);
        return HexFormat.of().toHexDigits((int) sum.getValue()).getBytes(StandardCharsets.US_ASCII);
    }
}
