package dev.lockstep.decoder;

import dev.lockstep.decoder.sampling.SamplingKind;

/**
 * A step and its sampling by the program: the reference for the kernels, and what is left where these cannot be had.
 *
 * @param isRecordable the program's attention goes by lengths that the device knows, so steps can be recorded
 */
record ProgramStep(DecoderProgram program, boolean isRecordable) implements ForwardStep, Sampler {
    private static final int LEAST_SEEN = 64;

    @Override
    public void allocate(DecoderAllocation size) {
        // the program's own buffers are there
    }

    @Override
    public void run(int rows, int longest) {
        program.decodeLogits(rows, seen(longest));
    }

    @Override
    public int variant(int rows, int longest) {
        return isRecordable ? seen(longest) : 0;
    }

    /** So many tokens of each row are looked at; where steps are recorded, few numbers must serve for all lengths. */
    private int seen(int longest) {
        return isRecordable ? Math.max(LEAST_SEEN, Integer.highestOneBit(2 * longest - 1)) : longest;
    }

    @Override
    public boolean fits(SamplingKind kind) {
        return true;
    }

    @Override
    public void sample(int rows, SamplingKind kind, boolean edited) {
        program.sampleStep(rows, kind);
    }

    /** Both in one call, without the copy of the logits between them. */
    void runAndSample(int rows, int longest, SamplingKind kind) {
        program.decode(rows, seen(longest), kind);
    }

    @Override
    public void close() {
        // the program is its owner's
    }
}
