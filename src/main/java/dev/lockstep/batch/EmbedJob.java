package dev.lockstep.batch;

/** The job {@code embed}: {@link GenerateJob}, but what becomes of each prompt is its embedding. */
public final class EmbedJob {
    private EmbedJob() {}

    /** Options as {@code embed --help} prints them. */
    public static void main(String[] args) {
        GenerateJob.run(GenerateOptions.EMBED, args);
    }
}
