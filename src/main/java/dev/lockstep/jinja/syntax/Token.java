package dev.lockstep.jinja.syntax;

/**
 * @param text of a string its value, of anything else the characters of the source
 * @param line where it stands, from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
    }

    boolean is(Kind kind, String text) {
        return this.kind == kind && this.text.equals(text);
    }
}
