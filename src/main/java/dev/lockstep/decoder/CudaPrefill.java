package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Launches;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.ScalarType;

/**
 * Brings prompts in by {@link CudaLayers}, with the flash attention that the program has: norms, rotations, SwiGLU and
 * residual additions read and write what they change once.
 */
final class CudaPrefill {
    /** By which {@link Launches} know it. */
    static final String ATTENTION = "flash attention";

    private final DecoderProgram program;
    private final KvCache cache;
    private final ModelConfig config;
    private final int vocabulary;
    private final Replica replica;
    private final ScalarType type;
    private final CudaLayers layers;
    private final CudaStep step;
    private final CublasLt products;
    private final CudaLayers.@Nullable Beside beside;
    // by allocation
    private long[] layerCaches = {};
    private int lastTokens;

    /**
     * @param beside         by which half a pass is exchanged during the other; null where it is summed
     * @param step           has room for logits of some tokens
     * @param workspaceBytes of the program's workspace, which others have allocated
     */
    CudaPrefill(DecoderProgram program, KvCache cache, Shard shard, DType dtype, CudaLayers layers, Replica replica,
            CudaLayers.@Nullable Beside beside, CudaStep step, long workspaceBytes) {
        this.program = program;
        this.cache = cache;
        this.config = shard.part();
        this.vocabulary = shard.whole().vocabulary();
        this.replica = replica;
        this.type = DecoderProgram.scalarType(dtype);
        this.layers = layers;
        this.step = step;
        this.products = new CublasLt(program.stateAddress("workspace", ScalarType.UINT8), workspaceBytes,
                layers.isSameText());
        this.beside = beside;
    }

    /** To be called when the program has allocated its cache. */
    void allocate() {
        layerCaches = cache.addresses();
    }

    StepProfile profile(int tokens) {
        return layers.profile(tokens, beside != null && CudaLayers.isInHalves(tokens) ? 2 : 1, 0);
    }

    /** Of the device's memory, which a pass over so many tokens takes while it runs. */
    long bytes(int tokens) {
        return layers.layout(tokens).bytes();
    }

    /**
     * Allocates what {@link #run} will, and leaves it to libtorch, which has it at hand then.
     *
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when there is not so much
     */
    void makeRoom(List<Admission> rows) {
        int tokens = Admission.brought(rows);
        long complete = rows.stream().filter(Admission::isComplete).count();
        long logits = (complete + Admission.scoredHere(rows)) * vocabulary * Float.BYTES;
        // what attention takes beside its result is little
        program.makeRoom(
                layers.layout(tokens).bytes() + 2L * tokens * config.heads() * config.headDim() * type.bytes()
                        + logits);
    }

    /** {@link DecoderProgram#prefill}. */
    void run(List<Admission> rows, int complete) {
        int tokens = Admission.brought(rows);
        if (tokens != lastTokens) {
            products.forget(); // there are as many shapes as numbers of tokens
            lastTokens = tokens;
        }
        Launches.mark("tables of rows");
        PassBuffers.Layout layout = layers.layout(tokens);
        program.beginPass(rows, layout.bytes());
        long scratch = program.passAddress("scratch", 0, ScalarType.UINT8);
        PassBuffers in = layout.at(scratch);
        long token = program.passAddress("token", 0, ScalarType.INT64);
        long position = program.passAddress("position", 0, ScalarType.INT64);
        int[] groups = cache.groups();
        long[] places = IntStream.rangeClosed(0, Arrays.stream(groups).max().orElse(0))
                .mapToLong(group -> program.passAddress("rows", group, ScalarType.INT64)).toArray();
        List<Rope> ropes = config.ropes();
        long[] cosines = new long[ropes.size()];
        long[] sines = new long[ropes.size()];
        for (int rope = 0; rope < ropes.size(); rope++) {
            cosines[rope] = program.passAddress("cos", rope, ScalarType.FLOAT32);
            sines[rope] = program.passAddress("sin", rope, ScalarType.FLOAT32);
        }
        float eps = (float) config.norms().eps();
        List<ModelConfig.Layer> shapes = config.attention().layers();
        layers.run(CudaDriver.stream(), products, beside, in, true, token, position, tokens, shapes.size(),
                (Pointer stream, int i) -> {
                    CudaWeights.Layer layer = layers.layer(i);
                    int rope = ropes.indexOf(shapes.get(i).rope());
                    layers.kernels().place().launch(stream, tokens, 1, 1, in.qkv(), layerCaches[i],
                            rope < 0 ? 0L : cosines[rope], rope < 0 ? 0L : sines[rope], places[groups[i]],
                            layer.queryNorm(),
                            layer.keyNorm(), eps, in.rowScales(), layer.qkv().scales(), layer.qkv().weight().bias(),
                            cache.keyScale(i), cache.valueScale(i));
                    Launches.mark(ATTENTION);
                    return program.attendPass(i, tokens, in.qkv() - scratch, layers.wholeRows(tokens), type);
                });
        Launches.mark("last tokens");
        boolean outside = layers.isSameText();
        int logitRows = complete + Admission.scoredHere(rows);
        program.endPass(rows, complete, in.normed() - scratch, outside);
        if (outside && logitRows > 0) {
            Pointer stream = CudaDriver.stream();
            long logits = program.stateAddress("first_logits", ScalarType.FLOAT32);
            boolean several = replica.size() > 1;
            layers.head(stream, products, program.stateAddress("last_normed", type),
                    several ? step.ownLogits() : logits, logitRows);
            if (several) {
                layers.spread(stream, logits, step.ownLogits(), logitRows);
            }
        }
        if (replica.size() > 1 && logitRows > 0) {
            replica.sum(program.stateAddress("first_logits", ScalarType.FLOAT32), (long) logitRows * vocabulary,
                    ScalarType.FLOAT32);
        }
    }

    void close() {
        products.close();
        if (beside != null) {
            beside.close();
        }
    }
}
