package dev.lockstep.json;

/** A field whose value cannot be used; where it was written (row, option, file) is for the catcher to add. */
public final class FieldException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final String field;
    private final String rule;

    /**
     * @param field the name as rows write it, such as {@code top_k}
     * @param rule  the rest of the sentence, such as {@code must be 0 (all tokens) or more, not -1}
     */
    public FieldException(String field, String rule) {
        super(field + " " + rule);
        this.field = field;
        this.rule = rule;
    }

    /** The same sentence with the name that the command line uses. */
    public String asOption() {
        return "--" + field.replace('_', '-') + " " + rule;
    }
}
