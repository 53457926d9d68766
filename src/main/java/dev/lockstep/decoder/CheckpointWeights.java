package dev.lockstep.decoder;

import java.util.Optional;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.torch.Device;

/** Hands a checkpoint's weights to the decoder's program, which maps them from their files. */
final class CheckpointWeights {
    private final DecoderProgram program;
    private final Checkpoint checkpoint;
    // fused into one tensor unless that would copy what is mapped; the same for all layers, whatever the mixture of
    // types, because the program counts parts by layer
    private final boolean fuse;

    private final boolean fp8;

    /** @param fp8 the layers' products are in fp8 */
    CheckpointWeights(DecoderProgram program, Checkpoint checkpoint, Device device, DType dtype, boolean fp8) {
        this.program = program;
        this.checkpoint = checkpoint;
        this.fp8 = fp8;
        this.fuse = !device.isCpu()
                || Checkpoint.expected(checkpoint.config()).stream().map(ExpectedTensor::name)
                        .filter(name -> checkpoint.quantized(name).isEmpty())
                        .noneMatch(name -> checkpoint.tensor(name).type().computed() == dtype);
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
        boolean asItIs = fp8 && weight.parts().stream().allMatch(
                part -> checkpoint.quantized(part.name()).filter(QuantizedWeight::isFp8ByRow).isPresent())
                && !weight.name().equals("head");
        for (ExpectedTensor part : weight.parts()) {
            stage(part, asItIs);
            if (!fuse) {
                program.keep(weight.name());
            }
        }
        if (fuse) {
            program.keep(weight.name());
        }
    }

    private void stage(ExpectedTensor part, boolean asItIs) {
        Optional<QuantizedWeight> quantized = checkpoint.quantized(part.name());
        if (quantized.isEmpty()) {
            program.stage(checkpoint.tensor(part.name()));
        } else if (asItIs) {
            program.stageFp8(quantized.get());
        } else {
            program.stage(quantized.get());
        }
    }
}
