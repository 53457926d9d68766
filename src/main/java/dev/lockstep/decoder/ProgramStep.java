package dev.lockstep.decoder;

/**
 * A step and its sampling by the program: the reference for the kernels, and what is left where these cannot be had.
 *
 * @param isRecordable the program's attention does not depend on the longest row's length
 */
record ProgramStep(DecoderProgram program, boolean isRecordable) implements ForwardStep, Sampler {
    @Override
    public void allocate(DecoderAllocation size) {
        // the program's own buffers are there
    }

    @Override
    public void run(int rows, int longest) {
        program.decodeLogits(rows, longest);
    }

    @Override
    public int variant(int rows, int longest) {
        return 0;
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
        program.decode(rows, longest, kind);
    }

    @Override
    public void close() {
        // the program is its owner's
    }
}
