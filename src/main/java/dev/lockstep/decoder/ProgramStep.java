package dev.lockstep.decoder;

import dev.lockstep.torch.TorchScriptProgram;
/**
 * A step and a choice by the program: the reference for the kernels, and what is left where these cannot be had.
 *
 * @param isRecordable the program's attention does not depend on the longest row's length
 */
record ProgramStep(TorchScriptProgram program, boolean isRecordable) implements ForwardStep, Sampler {
    @Override
    public void allocate(int slots, int capacity) {
        // the program's own buffers are there
    }

    @Override
    public void allocate(int slots, int capacity, int endTokens) {
        // the program's own buffers are there
    }

    @Override
    public void run(int rows, int longest) {
        program.integer("decode_logits", rows, longest);
    }

    @Override
    public int variant(int rows, int longest) {
        return 0;
    }

    @Override
    public boolean fits(ChoiceKind kind) {
        return true;
    }

    @Override
    public void choose(int rows, ChoiceKind kind, boolean edited) {
        program.integer("choose_step", kind.after(rows));
    }

    /** Both in one call, without the copy of the logits between them. */
    void runAndChoose(int rows, int longest, ChoiceKind kind) {
        program.integer("decode", kind.after(rows, longest));
    }

    @Override
    public void close() {
        // the program is its owner's
    }
}
