package dev.lockstep.launch.output;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LinePumpTest {
    /** Gives at most so many bytes a read, as a pipe does. */
    private static InputStream dripping(byte[] bytes, int most) {
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                return super.read(buffer, offset, Math.min(length, most));
            }
        };
    }

    private static List<String> pump(String text, int most, String prefix) {
        List<String> passed = new ArrayList<>();
        new LinePump(dripping(bytes(text), most), bytes(prefix),
                (bytes, offset, length) -> passed.add(new String(bytes, offset, length, StandardCharsets.UTF_8))).run();
        return passed;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void run_passesWholeLinesOnly() {
        List<String> passed = pump("one\ntwo\r\n\n\nlast", 3, "");
        assertThat(String.join("", passed)).isEqualTo("one\ntwo\r\n\n\nlast");
        assertThat(passed.subList(0, passed.size() - 1)).allMatch(part -> part.endsWith("\n"));
        assertThat(passed.get(passed.size() - 1)).isEqualTo("last");
    }

    @Test
    void run_prefixesEveryLine() {
        assertThat(String.join("", pump("one\n\nlast", 2, "[1] "))).isEqualTo("[1] one\n[1] \n[1] last");
        assertThat(pump("", 2, "[1] ")).isEmpty();
    }

    @Test
    void run_keepsEveryByteOfLinesOfAnyLength() {
        byte[] bytes = new byte[3_000_000];
        new Random(1).nextBytes(bytes);
        for (int i = 0; i < bytes.length / 2; i++) {
            bytes[i] = 'x'; // a line far longer than any buffer
        }
        for (int most : new int[]{1000, 70_000, 1 << 20}) {
            ByteArrayOutputStream passed = new ByteArrayOutputStream();
            new LinePump(dripping(bytes, most), new byte[0], passed::write).run();
            assertThat(passed.toByteArray()).isEqualTo(bytes);
        }
    }

    @Test
    void run_readsOnWhenNobodyTakesTheLines() {
        ByteArrayInputStream in = new ByteArrayInputStream(bytes("line\n".repeat(100_000)));
        new LinePump(in, new byte[0], (bytes, offset, length) -> {
            throw new IOException("closed");
        }).run();
        assertThat(in.available()).isZero();
    }
}
