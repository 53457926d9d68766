package dev.lockstep.decoder;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.Checkpoint.Update;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.ModelWeight;
import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.CudaException;
import dev.lockstep.cuda.DeviceReader;
import dev.lockstep.decoder.Acceleration.Weights;
import dev.lockstep.decoder.shard.Cut;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.host.DiskReads;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

/** Hands a checkpoint's weights to the decoder's program: mapped from their files on CPU, read into a GPU's memory. */
final class CheckpointWeights {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointWeights.class);
    /** Bytes of weights that are read at a time, so that no thread waits for the last block of one. */
    private static final long AHEAD = 1L << 30;
    /** Of scales in e2m1 weights, as kernels/narrow.cu takes them: weights of up to 12. */
    private static final int LARGEST_EXPONENT = 128;

    private final DecoderProgram program;
    private final Checkpoint checkpoint;
    private final Device device;
    // fused into one tensor unless that would copy what is mapped; the same for all layers, whatever the mixture of
    // types, because the program counts parts by layer
    private final boolean fuse;
    private final Weights kept;
    private final ProgramWeights weights;
    private final Shard shard;
    // straight into a GPU's memory
    private boolean reading;

    /**
     * @param shard what of them this rank has
     * @param kept how the weights of the layers' products are kept
     * @throws ModelException when something is to be added to weights that are in fp8 already: their numbers lie on a grid
     *                        that is wider than what adapters add, so making them fp8 again would round most of that away
     */
    CheckpointWeights(DecoderProgram program, Checkpoint checkpoint, Shard shard, Device device, DType dtype,
            Weights kept) {
        this.program = program;
        this.shard = shard;
        this.checkpoint = checkpoint;
        this.device = device;
        this.kept = kept;
        this.weights = program.weights();
        if (kept == Weights.FP8) {
            requireRoomForUpdates();
        }
        this.fuse = !device.isCpu()
                || Checkpoint.expected(checkpoint.config()).stream().map(ExpectedTensor::name)
                        .filter(name -> checkpoint.quantized(name).isEmpty())
                        .noneMatch(name -> checkpoint.tensor(name).type().computed() == dtype);
    }

    private void requireRoomForUpdates() {
        Checkpoint.expected(checkpoint.config()).stream().filter(ExpectedTensor::isLinearOfLayer)
                .filter(tensor -> !checkpoint.updates(tensor.name()).isEmpty())
                .filter(tensor -> checkpoint.quantized(tensor.name()).filter(QuantizedWeight::isFp8ByRow).isPresent())
                .findFirst().ifPresent(tensor -> {
                    throw new ModelException(checkpoint.directory() + ": an adapter changes " + tensor.name()
                            + ", which is in fp8 already, where rounding to fp8 again would undo most of it; leave out --quantize"
                            + " fp8, or give it with the checkpoint that is not quantized.");
                });
    }

    /** @param loaded told how many of their bytes are in place */
    void place(LongConsumer loaded) {
        if (fuse) {
            weights.pack();
        }
        List<ModelWeight> all = ModelWeight.of(checkpoint.config());
        long begin = System.nanoTime();
        long fromDisk = DiskReads.bytes();
        Optional<DeviceReader> reader = device.isCpu() ? Optional.empty() : reader();
        reading = reader.isPresent();
        if (reader.isPresent()) {
            try (DeviceReader one = reader.get()) {
                read(one, all, loaded);
            }
        } else {
            long bytes = 0;
            for (ModelWeight weight : all) {
                map(weight);
                bytes += bytes(weight);
                loaded.accept(bytes);
            }
        }
        LOG.debug("{} bytes of weights in {} ms, for which {} bytes were read from disk", checkpoint.bytes(),
                (System.nanoTime() - begin) / 1_000_000, DiskReads.bytes() - fromDisk);
        if (checkpoint.config().tiedEmbeddings()) {
            weights.tie();
        }
    }

    private Optional<DeviceReader> reader() {
        program.useDevice(device);
        try {
            return Optional.of(new DeviceReader());
        } catch (UnsatisfiedLinkError | CudaException e) {
            LOG.warn("weights are loaded from mapped files, which is slower: {}", e.getMessage());
            return Optional.empty();
        }
    }

    private void map(ModelWeight weight) {
        for (ExpectedTensor part : weight.parts()) {
            for (Stored stored : stored(part)) {
                stored.pieces.forEach(piece -> weights.stage(piece.tensor()));
                makeNumbers(weight, part, stored);
            }
            for (Update update : checkpoint.updates(part.name())) {
                update.tensors().forEach(weights::stage);
                weights.addProduct(update.scaling());
            }
            finish(weight, part);
            if (!fuses(weight)) {
                keep(weight);
            }
        }
        if (fuses(weight)) {
            keep(weight);
        }
    }

    /** A mixture's experts are one weight in any case. */
    private boolean fuses(ModelWeight weight) {
        return fuse || weight.isOfExperts();
    }

    private void keep(ModelWeight weight) {
        if (isInt4(weight)) {
            weights.keepInt4(weight.name());
        } else {
            weights.keep(weight.name());
        }
    }

    /** What is read of a weight's part and made numbers of at a time. */
    private record Stored(List<Cut.Piece> pieces, @Nullable QuantizedWeight quantized) {}

    /** All that is read of a weight's part: what this rank has of it, where that can be read alone. */
    private List<Stored> stored(ExpectedTensor part) {
        QuantizedWeight quantized = checkpoint.quantized(part.name()).orElse(null);
        if (!isReadInPart(part)) {
            return List.of(new Stored(whole(part).stream().map(Cut.Piece::whole).toList(), quantized));
        }
        Cut cut = shard.cut(part);
        return quantized == null
                ? cut.of(checkpoint.tensor(part.name())).stream().map(piece -> new Stored(List.of(piece), null))
                        .toList()
                : cut.rowsOf(quantized).stream()
                        .map(rows -> new Stored(rows.tensors().stream().map(Cut.Piece::whole).toList(), rows)).toList();
    }

    private List<TensorRef> whole(ExpectedTensor part) {
        return checkpoint.quantized(part.name()).map(QuantizedWeight::tensors)
                .orElseGet(() -> List.of(checkpoint.tensor(part.name())));
    }

    private boolean isInGroups(ExpectedTensor part) {
        return checkpoint.config().stored().queryGroups() > 0 && part.isOfQueriesKeysAndValues();
    }

    /** Rows stand together in a file. Columns do not: on CPU they are mapped anyway, a device's memory is read into apart. */
    private boolean isReadInPart(ExpectedTensor part) {
        Optional<QuantizedWeight> quantized = checkpoint.quantized(part.name());
        return !part.transposed() && !isInGroups(part) && checkpoint.updates(part.name()).isEmpty()
                && switch (shard.cut(part).kind()) {
                case ROWS -> quantized.isEmpty() || quantized.get().isFp8ByRow();
                case COLUMNS -> reading && quantized.isEmpty();
                default -> false;
                };
    }

    /** Leaves of what is staged of a part what this rank has of it, as the program computes with it. */
    private void finish(ModelWeight weight, ExpectedTensor part) {
        ModelConfig config = checkpoint.config();
        Experts experts = config.experts();
        if (experts != null && experts.byTurns() && weight.name().startsWith("expert_gate_up")) {
            weights.unturn(experts.count());
        }
        if (isInGroups(part)) {
            weights.apart(config.stored().queryGroups(), config.headDim());
        }
        if (!isReadInPart(part)) {
            weights.cut(shard.cut(part), isTakenAsItIs(weight), isInt4(weight),
                    experts == null ? 0 : experts.count());
        }
        boolean ownNorm = part.isOfQueryOrKeyNorm() && config.norms().qk() == QkNorm.EACH_HEAD_ITS_OWN;
        if (ownNorm) {
            weights.flatten();
        }
        if (config.stored().interleaved() && (part.isOfQueriesOrKeys() || ownNorm)) {
            weights.unweave(config.headDim(), config.ropes().get(0).width(), isTakenAsItIs(weight), isInt4(weight));
        }
        double factor = weight.factor(config);
        if (factor != 1 && !isInt4(weight)) {
            weights.multiply(factor, isTakenAsItIs(weight));
        }
    }

    private Stream<TensorRef> added(ExpectedTensor part) {
        return checkpoint.updates(part.name()).stream().flatMap(update -> update.tensors().stream());
    }

    /** Makes of what is staged of a part numbers [out, in], or what the program computes with in their place. */
    private void makeNumbers(ModelWeight weight, ExpectedTensor part, Stored stored) {
        QuantizedWeight quantized = stored.quantized;
        if (quantized == null) {
            if (part.transposed()) {
                weights.transpose(); // which is read whole
            }
            return;
        }
        if (program.experts() == ExpertWeights.MXFP4 && ExpertWeights.isOne(weight)) {
            takeMxfp4(quantized);
        } else if (isInt4(weight)) {
            weights.takeInt4(quantized, weight.factor(checkpoint.config()));
        } else if (isTakenAsItIs(weight)) {
            weights.takeFp8(quantized);
        } else {
            weights.dequantize(quantized, !checkpoint.updates(part.name()).isEmpty());
        }
    }

    private void takeMxfp4(QuantizedWeight quantized) {
        if (weights.takeMxfp4(quantized) > LARGEST_EXPONENT) {
            throw new ModelException(checkpoint.directory() + ": " + quantized.values().name()
                    + " has weights beyond what its 4 bits are multiplied by as they are; give --quantize none, and they are"
                    + " in 16 bits.");
        }
    }

    private boolean isInt4(ModelWeight weight) {
        return kept == Weights.INT4 && weight.parts().get(0).isLinearOfLayer();
    }

    private boolean isTakenAsItIs(ModelWeight weight) {
        return kept == Weights.FP8 && weight.parts().stream().noneMatch(this::isInGroups)
                && !weight.name().equals("head") && !weight.isOfExperts()
                && weight.parts().stream().allMatch(
                        part -> checkpoint.quantized(part.name()).filter(QuantizedWeight::isFp8ByRow).isPresent());
    }

    /** A weight whose tensors are on their way. */
    private record Coming(ModelWeight weight, List<DeviceReader.Transfer> tensors) {}

    private void read(DeviceReader reader, List<ModelWeight> all, LongConsumer loaded) {
        Deque<Coming> coming = new ArrayDeque<>();
        long begun = 0;
        long done = 0;
        for (ModelWeight weight : all) {
            // what libtorch gives may be what its work under way still reads
            CudaDriver.await(CudaDriver.stream());
            List<DeviceReader.Transfer> tensors = new ArrayList<>();
            for (ExpectedTensor part : weight.parts()) {
                for (Stored stored : stored(part)) {
                    stored.pieces.forEach(piece -> tensors.add(begin(reader, piece)));
                }
                added(part).forEach(tensor -> tensors.add(begin(reader, Cut.Piece.whole(tensor))));
            }
            coming.add(new Coming(weight, tensors));
            begun += bytes(weight);
            while (begun - done > AHEAD && coming.size() > 1) {
                done += bytes(coming.element().weight);
                finish(coming.remove());
                loaded.accept(done);
            }
        }
        for (Coming each : coming) {
            done += bytes(each.weight);
            finish(each);
            loaded.accept(done);
        }
    }

    private DeviceReader.Transfer begin(DeviceReader reader, Cut.Piece piece) {
        TensorRef tensor = piece.tensor();
        long address = weights.reserve(tensor);
        return piece.stride() == 0
                ? reader.read(tensor.file(), tensor.offset(), tensor.bytes(), address)
                : reader.readRows(tensor.file(), tensor.offset(), tensor.shape()[0], Math.toIntExact(piece.rowBytes()),
                        piece.stride(), address);
    }

    /** What others have of it included, since that is what the whole is known by. */
    private long bytes(ModelWeight weight) {
        return weight.parts().stream().flatMap(part -> Stream.concat(whole(part).stream(), added(part)))
                .mapToLong(TensorRef::bytes).sum();
    }

    private void finish(Coming coming) {
        coming.tensors.forEach(DeviceReader.Transfer::await);
        for (ExpectedTensor part : coming.weight.parts()) {
            for (Stored stored : stored(part)) {
                weights.arrive(stored.pieces.size());
                makeNumbers(coming.weight, part, stored);
            }
            for (Update update : checkpoint.updates(part.name())) {
                weights.arrive(update.tensors().size());
                weights.addProduct(update.scaling());
            }
            finish(coming.weight, part);
        }
        keep(coming.weight);
    }
}
