package dev.lockstep.decoder;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.torch.Device;

/** Hands a checkpoint's weights to the decoder's program, which maps them from their files. */
final class CheckpointWeights {
    private final DecoderProgram program;
    private final Checkpoint checkpoint;
    // fused into one tensor unless that would copy what is mapped; the same for all layers, whatever the mixture of
    // types, because the program counts parts by layer
    private final boolean fuse;

    CheckpointWeights(DecoderProgram program, Checkpoint checkpoint, Device device, DType dtype) {
        this.program = program;
        this.checkpoint = checkpoint;
        this.fuse = !device.isCpu()
                || checkpoint.tensors().values().stream().noneMatch(tensor -> tensor.type().computed() == dtype);
    }

    void place() {
        if (fuse) {
            program.pack();
        }
        ModelWeight.of(checkpoint.config()).forEach(this::place);
        if (checkpoint.config().tiedEmbeddings()) {
            program.tie();
        }
    }

    private void place(ModelWeight weight) {
        for (ExpectedTensor part : weight.parts()) {
            program.stage(checkpoint.tensor(part.name()));
            if (!fuse) {
                program.keep(weight.name());
            }
        }
        if (fuse) {
            program.keep(weight.name());
        }
    }
}
