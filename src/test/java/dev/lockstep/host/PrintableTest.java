package dev.lockstep.host;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PrintableTest {
    @Test
    void of_leavesTextAsItIs() {
        String text = "dir ü/漢字 👩\u200d🚀 \\ 'a' \"b\"";
        assertThat(Printable.line(text)).isEqualTo(text);
    }

    @Test
    void of_escapesWhatWouldMoveTheCursorOrIsNoCharacter() {
        assertThat(Printable.line("a\nb\r\tc\u001b[2J\u0000\u007f\u009b"))
                .isEqualTo("a\\nb\\r\\tc\\u001b[2J\\u0000\\u007f\\u009b");
        assertThat(Printable.line("\ud800x\udc00")).isEqualTo("\\ud800x\\udc00");
        assertThat(Printable.line("\u202egpj.exe\u2066\u2028")).isEqualTo("\\u202egpj.exe\\u2066\\u2028");
    }
}
