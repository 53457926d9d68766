package dev.lockstep.prompts;

/** Why a row failed, where what failed was not meant to: as one sentence, since the row's result has room for no more. */
public final class PromptError {
    private PromptError() {}

    public static String of(Throwable e) {
        if (e instanceof IllegalArgumentException && e.getMessage() != null) {
            return e.getMessage();
        }
        return e instanceof StackOverflowError
                ? "the row is nested too deeply"
                : "the row cannot be used: "
                        + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()).replaceAll("\\s+",
                                " ");
    }
}
