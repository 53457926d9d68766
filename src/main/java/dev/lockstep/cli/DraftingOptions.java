package dev.lockstep.cli;

import java.util.List;

import picocli.CommandLine.Option;

import dev.lockstep.host.UsageException;

/** Whether the jobs that generate draft tokens. */
public final class DraftingOptions {
    private static final String NGRAM = "ngram";

    @Option(names = "--speculate", paramLabel = "none|ngram", description = "ngram: compute tokens that probably come next, since a text says again what it or its prompt has said, beside the last ones: the same text in fewer steps, where few rows are under way (none).")
    private String speculate = "none";

    /**
     * Whether they do.
     *
     * @throws UsageException when the option says something else
     */
    public boolean speculates() {
        if (!List.of("none", NGRAM).contains(speculate)) {
            throw new UsageException("--speculate must be none or ngram, not " + speculate);
        }
        return speculate.equals(NGRAM);
    }
}
