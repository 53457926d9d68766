package dev.lockstep.decoder;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

import ai.djl.util.Utils;

import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.decoder.kv.LayerGroups;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.TorchScriptProgram;

/** The decoder's program and the sampling kernel on a GPU, side by side over the same logits and state. */
final class SamplerPair implements AutoCloseable {
    /** A row's state: token, position, step, token counts, chosen. */
    static final int STATES = 5;
    /** The last of these. */
    static final int CHOSEN = 4;
    private static final String DEVICE = "cuda:0";

    final DecoderProgram program;
    final CudaSampler kernel;
    // with the methods that are there for tests
    private final TorchScriptProgram checks;
    private final int vocabulary;

    SamplerPair(int vocabulary) {
        this.vocabulary = vocabulary;
        checks = program();
        program = new DecoderProgram(checks);
        checks.integer("configure", 1, 1, 8, ScalarType.FLOAT32, DEVICE);
        checks.integer("configure_vocabulary", vocabulary, 0);
        // the kernel's compiler asks the driver, which must know the device
        checks.integer("use_device", DEVICE);
        Path kept = Utils.getEngineCacheDir().resolve("kernels");
        kernel = new CudaSampler(program, vocabulary, null, new KernelCompiler(kept));
    }

    /** The decoder's program with what only tests ask of it. */
    static TorchScriptProgram program() {
        return TorchScriptProgram.load(Decoder.class, "Decoder",
                Stream.concat(DecoderProgram.PARTS.stream(), Stream.of("sampling-checks.torchscript")).toList());
    }

    void allocate(DecoderAllocation size) {
        program.allocateCache(size.slots(), size.capacity(), 1, size.capacity(), LayerGroups.whole(1));
        program.allocateSlots(size, vocabulary);
        program.allocateLogits(size.slots());
        kernel.allocate(size);
    }

    /** Normal logits of rows 0 to {@code rows - 1}, as {@code random_logits} describes them. */
    void randomLogits(int rows, int key, double deviation, boolean coarse, double holes, double broken) {
        checks.integer("random_logits", rows, key, deviation, coarse, holes, broken);
    }

    /** Keeps what sampling changes, at place 0 or 1. */
    void keep(int place) {
        checks.integer("keep_rows", place);
    }

    /** Puts back what was kept. */
    void restore(int place) {
        checks.integer("restore_rows", place);
    }

    /** By state and slot, above 0 where it is not what was kept. */
    float[][] changed(int place) {
        return checks.floats("changed_rows", place);
    }

    /** Of each row the race's value of this token, and the largest there is. */
    float[][] race(int rows, int[] tokens, SamplingKind kind) {
        return checks.floats("race_of", rows, Arrays.stream(tokens).asLongStream().toArray(), kind.filtered(),
                kind.penalized(), kind.ends());
    }

    @Override
    public void close() {
        program.close();
    }
}
