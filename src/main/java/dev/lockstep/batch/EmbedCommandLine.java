package dev.lockstep.batch;

/** The job {@code embed} as the launcher knows it. */
public final class EmbedCommandLine extends GenerateCommandLine {
    /** Of {@code embed}. */
    public EmbedCommandLine() {
        super(GenerateOptions.EMBED, EmbedJob.class);
    }
}
