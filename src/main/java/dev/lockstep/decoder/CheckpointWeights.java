package dev.lockstep.decoder;

import java.util.Arrays;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

/** Hands a checkpoint's weights to the decoder's program, which maps them from their files. */
final class CheckpointWeights {
    private final TorchScriptProgram program;
    private final Checkpoint checkpoint;
    // fused into one tensor unless that would copy what is mapped; the same for all layers, whatever the mixture of
    // types, because the program counts parts by layer
    private final boolean fuse;

    CheckpointWeights(TorchScriptProgram program, Checkpoint checkpoint, Device device, DType dtype) {
        this.program = program;
        this.checkpoint = checkpoint;
        this.fuse = !device.isCpu()
                || checkpoint.tensors().values().stream().noneMatch(tensor -> tensor.dtype() == dtype);
    }

    void place() {
        if (fuse) {
            program.integer("pack");
        }
        ModelWeight.of(checkpoint.config()).forEach(this::place);
        if (checkpoint.config().tiedEmbeddings()) {
            program.integer("tie");
        }
    }

    private void place(ModelWeight weight) {
        for (ExpectedTensor part : weight.parts()) {
            TensorRef tensor = checkpoint.tensor(part.name());
            program.integer("stage", tensor.file().toString(), tensor.file().toFile().length(), tensor.offset(),
                    Arrays.stream(tensor.shape()).asLongStream().toArray(), tensor.dtype().torchCode(),
                    tensor.dtype().bytes());
            if (!fuse) {
                program.integer("keep", weight.name());
            }
        }
        if (fuse) {
            program.integer("keep", weight.name());
        }
    }
}
