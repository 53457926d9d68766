package dev.lockstep.decoder;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.LongStream;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.checkpoint.ModelConfig.QkNorm;
import dev.lockstep.checkpoint.Rope;
import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.CublasLt.Shape;
import dev.lockstep.cuda.CublasLt.Weight;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.torch.ScalarType;

/**
 * A decode step from the rows' last tokens to their logits, by kernels of our own ({@code kernels/*.cu}) and cuBLASLt
 * instead of the TorchScript program, whose weights, cache and state it works on by their addresses. All of its buffers
 * stay where they are, so that a step can be recorded; it is meant to be, since handing over a step's launches one by one
 * takes the processor some milliseconds.
 *
 * <p>Residual additions are part of the products that precede them, and a step of a layer is: norm, product, attention
 * with all that goes before it, product, norm, product, SwiGLU, product. With fp8 weights, and in models that norm what they
 * add, additions, and what a product's result is to be scaled by, are part of what follows it; the result of attention takes
 * one launch more to become fp8, and norms over all heads take one.
 */
final class CudaStep implements ForwardStep {
    private static final long WORKSPACE_BYTES = 32L << 20;
    private static final long ALIGNMENT = 256;
    /** From so many tokens on the loop over them outweighs what goes before and after it. */
    private static final int LONG = 512;
    /** A split of a row's tokens has at least so many. */
    private static final int SPLIT_TOKENS = 256;
    /** Tokens from which on a part of a row among many is worth a block of its own, and the most parts. */
    private static final int LONG_PART = 1024;
    private static final int LONG_PARTS = 8;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
    private static final int FP8_ROWS = 16;
    private static final int WIDEST_HEAD = 256;
    private static final int ROTARY_UNIT = 4;

    /**
     * What a linear layer multiplies by.
     *
     * @param scales of [N] floats that the columns of the result are multiplied by; 0 unless weights are fp8
     * @param int4   null unless weights stay in 4 bits, and {@code weight} is where their numbers have room
     */
    private record Linear(Weight weight, long scales, Int4Products.@Nullable Weight int4) {}

    /** The weights of a layer; a norm that the family lacks is 0. */
    private record Layer(long attentionNorm, Linear qkv, long queryNorm, long keyNorm, Linear output,
            long attentionPostNorm, long mlpNorm, Linear gateUp, Linear down, long mlpPostNorm) {}

    /**
     * What a product has left in {@code normed}, to be added to the residual stream.
     *
     * @param postNorm the norm that it passes before, or 0
     */
    private record Left(Linear linear, long postNorm) {}

    private final DecoderProgram program;
    private final ModelConfig config;
    private final KvCache cache;
    private final DType dtype;
    private final CublasLt.Type type;
    private final boolean fp8;
    private final @Nullable Int4Products int4;
    // products leave what is to be added to the residual stream to what follows them
    private final boolean leaves;
    private final int pack;
    private final int chunk;
    private final int attentionBlocks;
    private final int multiprocessors = CudaDriver.multiprocessors();
    private final CublasLt products;
    private final CudaKernels kernels;
    private final List<Layer> layers = new ArrayList<>();
    private final long embedding;
    private final long lastNorm;
    private final long head;
    // by allocation
    private long[] cosines = {};
    private long[] sines = {};
    private long[] layerCaches = {};
    private long table;
    private long tableWidth;
    private long token;
    private long position;
    private long turnFrom;
    private long x;
    private long normed;
    private long qkv;
    private long attended;
    private long gateUp;
    private long activated;
    private long quantized;
    private long rowScales;
    private long partial;
    private long arrived;
    private long logits;

    /**
     * Compiles the kernels, unless they are on disk, and finds the weights of a program that has all of them.
     *
     * @param int4   null unless weights stay in 4 bits
     * @param tables the directory that tables of the fastest algorithms are kept in
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    CudaStep(DecoderProgram program, KvCache cache, ModelConfig config, DType dtype, boolean fp8,
            @Nullable Int4Products int4, KernelCompiler compiler, Path tables) {
        this.program = program;
        this.cache = cache;
        this.config = config;
        this.dtype = dtype;
        this.fp8 = fp8;
        this.int4 = int4;
        this.leaves = fp8 || config.norms().after();
        this.type = CublasLt.Type.valueOf(dtype.name());
        this.pack = CudaKernels.pack(dtype);
        this.chunk = CudaKernels.chunk(config, dtype);
        this.attentionBlocks = config.kvHeads() * ((config.heads() / config.kvHeads() + chunk - 1) / chunk);
        this.kernels = CudaKernels.compile(config, dtype, fp8, cache.isFp8(), compiler);

        ModelConfig.Norms norms = config.norms();
        boolean headNorm = norms.qk() != QkNorm.NONE;
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new Layer(norm("attention_norm", norms.before(), i), linear("qkv", config.attentionBias(), i),
                    norm("q_norm", headNorm, i), norm("k_norm", headNorm, i),
                    linear("output", config.outputBias(), i), norm("attention_post_norm", norms.after(), i),
                    norm("mlp_norm", norms.before(), i), linear("gate_up", config.mlpBias(), i),
                    linear("down", config.mlpBias(), i), norm("mlp_post_norm", norms.after(), i)));
        }
        embedding = weight("embed", 0);
        lastNorm = norm("norm", true, 0);
        head = weight("head", 0);
        program.allocateWorkspace(WORKSPACE_BYTES);
        products = new CublasLt(program.stateAddress("workspace", ScalarType.UINT8), WORKSPACE_BYTES, tables);
    }

    /** Whether the kernels can compute this model in this type. */
    static boolean fits(ModelConfig config, DType dtype) {
        int pack = CudaKernels.pack(dtype);
        return config.hidden() % pack == 0 && config.intermediate() % pack == 0 && config.headDim() % pack == 0
                && config.headDim() <= WIDEST_HEAD
                && config.ropes().stream().mapToInt(Rope::width).distinct().count() <= 1
                && config.ropes().stream().allMatch(rope -> rope.width() % ROTARY_UNIT == 0);
    }

    private long norm(String name, boolean has, int i) {
        ScalarType type = config.norms().wide() ? ScalarType.FLOAT32 : DecoderProgram.scalarType(dtype);
        return has ? program.weightAddress(name, i, type) : 0;
    }

    private long weight(String name, int i) {
        return program.weightAddress(name, i, DecoderProgram.scalarType(dtype));
    }

    private Linear linear(String name, boolean bias, int i) {
        ScalarType stored = fp8 ? ScalarType.FLOAT8_E4M3FN : DecoderProgram.scalarType(dtype);
        long address = program.weightAddress(name, i, stored);
        return new Linear(new Weight(address, bias ? weight(name + "_bias", i) : 0),
                fp8 ? program.weightAddress(name + "_scale", i, ScalarType.FLOAT32) : 0,
                int4 == null ? null : int4.weight(i, address));
    }

    /** Takes over the cache, rows and logits that the program has just allocated, and makes room for a step. */
    @Override
    public void allocate(DecoderAllocation size) {
        int slots = size.slots();
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        // what attention leaves of split rows: where there are few blocks, or long rows
        long parts = Math.max((long) BLOCKS_PER_MULTIPROCESSOR * multiprocessors,
                cache.capacity() < LONG_PART ? 0 : (long) slots * attentionBlocks * LONG_PARTS);
        long mostSplit = parts * chunk * (config.headDim() + 4) * Float.BYTES;
        long[] sizes = {values(slots, config.hidden()), values(slots, config.hidden()),
                values(slots, queries + 2 * keys), values(slots, queries),
                // products that add are tried there too
                values(slots, Math.max(2 * config.intermediate(), config.hidden())),
                fp8 ? 0 : values(slots, config.intermediate()),
                fp8
                        ? align((long) wholeRows(slots)
                                * Math.max(config.hidden(), Math.max(queries, config.intermediate())))
                        : 0,
                align((long) wholeRows(slots) * Float.BYTES), align(mostSplit),
                align((long) slots * attentionBlocks * Integer.BYTES)};
        program.allocateStep(LongStream.of(sizes).sum());
        tableWidth = cache.width();
        table = program.stateAddress("table", ScalarType.INT64);
        layerCaches = cache.addresses();
        x = program.stateAddress("scratch", ScalarType.UINT8);
        normed = x + sizes[0];
        qkv = normed + sizes[1];
        attended = qkv + sizes[2];
        gateUp = attended + sizes[3];
        activated = gateUp + sizes[4];
        quantized = activated + sizes[5];
        rowScales = quantized + sizes[6];
        partial = rowScales + sizes[7];
        arrived = partial + sizes[8];
        cosines = rotary("cos");
        sines = rotary("sin");
        logits = program.stateAddress("logits", ScalarType.FLOAT32);
        token = program.stateAddress("token", ScalarType.INT64);
        position = program.stateAddress("position", ScalarType.INT64);
        turnFrom = program.stateAddress("turn_from", ScalarType.INT64);
    }

    /** Of each layer, 0 where nothing turns. */
    private long[] rotary(String table) {
        List<Rope> ropes = config.ropes();
        return config.attention().layers().stream().mapToLong(layer -> layer.rope() == null
                ? 0
                : program.rotaryAddress(table, ropes.indexOf(layer.rope()))).toArray();
    }

    private long values(int slots, int width) {
        return align((long) wholeRows(slots) * width * dtype.bytes());
    }

    /** So many rows that a product can take: in fp8 a multiple of 16, of which those past the end come to nothing. */
    private int wholeRows(int rows) {
        return fp8 ? (rows + FP8_ROWS - 1) / FP8_ROWS * FP8_ROWS : rows;
    }

    private static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /**
     * Into how many parts a step divides the longest row's tokens, and others' into fewer: more than 1 where there are fewer
     * rows than would keep the device busy, and where a long row would keep it waiting.
     *
     * @param longest tokens of the longest row
     * @return a power of 2
     */
    private int splits(int rows, int longest) {
        int parts = isSplitForRoom(rows)
                ? Math.min(BLOCKS_PER_MULTIPROCESSOR * multiprocessors / (rows * attentionBlocks),
                        longest / SPLIT_TOKENS)
                : Math.min(LONG_PARTS, longest / LONG_PART);
        return Integer.highestOneBit(Math.max(1, parts));
    }

    /** Whether there are so few blocks that rows are cut to have more. */
    private boolean isSplitForRoom(int rows) {
        return BLOCKS_PER_MULTIPROCESSOR * multiprocessors >= 2 * rows * attentionBlocks;
    }

    private int splitTokens(int rows) {
        return isSplitForRoom(rows) ? SPLIT_TOKENS : LONG_PART;
    }

    /** Steps of so many rows with the same number here do the same work, whatever the rows' lengths. */
    @Override
    public int variant(int rows, int longest) {
        return 2 * splits(rows, longest) + (longest >= LONG ? 1 : 0);
    }

    @Override
    public boolean isRecordable() {
        return true;
    }

    /** Computes the logits of rows 0 to {@code rows - 1}, which the program's {@code sample_step} reads. */
    @Override
    public void run(int rows, int longest) {
        Pointer stream = CudaDriver.stream();
        runLayers(stream, rows, longest, config.layers());
        Weight last = new Weight(head, 0);
        products.multiply(stream,
                new Shape(type, CublasLt.Type.FLOAT32, rows, config.vocabulary(), config.hidden(), false, false),
                normed, last,
                logits, logits, () -> List.of(last));
        if (kernels.softcap() != null) {
            int blocks = (config.vocabulary() + CudaKernels.SOFTCAP_THREADS - 1) / CudaKernels.SOFTCAP_THREADS;
            kernels.softcap().launch(stream, blocks, rows, 1, logits, config.vocabulary(),
                    (float) config.finalSoftcap());
        }
    }

    /** Computes the residual stream of the rows after so many layers, for tests. */
    void runLayers(int rows, int longest, int count) {
        runLayers(CudaDriver.stream(), rows, longest, count);
    }

    /** The residual stream after so many layers, and the last norm of it. */
    private void runLayers(Pointer stream, int rows, int longest, int count) {
        int hidden = config.hidden();
        int queries = config.heads() * config.headDim();
        int projected = queries + 2 * config.kvHeads() * config.headDim();
        int intermediate = config.intermediate();
        float eps = (float) config.norms().eps();
        int splits = splits(rows, longest);
        int splitTokens = splitTokens(rows);
        boolean large = longest >= LONG || rows * attentionBlocks < 4 * multiprocessors;
        float scale = (float) config.attention().scale();
        kernels.embed().launch(stream, rows, 1, 1, x, embedding, token, hidden, (float) config.embeddingScale());
        Left left = null;
        for (int i = 0; i < count; i++) {
            Layer layer = layers.get(i);
            multiply(stream, rows, projected, hidden, false, norm(stream, rows, layer.attentionNorm(), !fp8, left),
                    Layer::qkv, i, qkv);
            if (kernels.headNorms() != null) {
                kernels.headNorms().launch(stream, rows, fp8 ? 3 : 2, 1, qkv, layer.queryNorm(), layer.keyNorm(), eps,
                        rowScales, layer.qkv().scales(), layer.qkv().weight().bias());
            }
            CudaKernels.Attention attention = kernels.attentions().get(i);
            (large ? attention.large() : attention.small()).launch(stream, splits, attentionBlocks, rows, attended, qkv,
                    layerCaches[i], cosines[i], sines[i], turnFrom, layer.queryNorm(), layer.keyNorm(), position,
                    partial, arrived, table, tableWidth, splitTokens, scale, eps, rowScales, layer.qkv().scales(),
                    layer.qkv().weight().bias());
            if (kernels.quantize() != null) {
                kernels.quantize().launch(stream, rows, 1, 1, quantized, rowScales, attended);
            }
            multiply(stream, rows, hidden, queries, true, attended, Layer::output, i, x);
            left = leaves ? new Left(layer.output(), layer.attentionPostNorm()) : null;
            multiply(stream, rows, 2 * intermediate, hidden, false, norm(stream, rows, layer.mlpNorm(), !fp8, left),
                    Layer::gateUp, i, gateUp);
            if (fp8) {
                kernels.swiglu().launch(stream, rows, 1, 1, quantized, gateUp, rowScales, layer.gateUp().scales(),
                        layer.gateUp().weight().bias());
            } else {
                int blocks = (intermediate / pack + CudaKernels.SWIGLU_THREADS - 1) / CudaKernels.SWIGLU_THREADS;
                kernels.swiglu().launch(stream, blocks, rows, 1, activated, gateUp);
            }
            multiply(stream, rows, hidden, intermediate, true, activated, Layer::down, i, x);
            left = leaves ? new Left(layer.down(), layer.mlpPostNorm()) : null;
        }
        norm(stream, rows, lastNorm, true, left);
    }

    /**
     * Adds what is left to the residual stream, and norms that into {@code normed} or else, for a product in fp8, into
     * {@code quantized}.
     *
     * @param weight 0 where there is no norm
     * @return where the result is
     */
    private long norm(Pointer stream, int rows, long weight, boolean wide, @Nullable Left left) {
        if (weight != 0 || !wide || left != null) {
            kernels.norm().launch(stream, rows, 1, 1, normed, x, weight, (float) config.norms().eps(),
                    wide ? 0 : quantized, left == null ? 0 : normed, rowScales,
                    left == null ? 0 : left.linear().scales(), left == null ? 0 : left.linear().weight().bias(),
                    left == null ? 0 : left.postNorm());
        }
        return weight == 0 ? x : normed;
    }

    /** One product of a layer; with fp8 weights of what is quantized, and to normed where it would add and cannot. */
    private void multiply(Pointer stream, int rows, int n, int k, boolean add, long from,
            Function<Layer, Linear> linear, int layer, long to) {
        Weight one = linear.apply(layers.get(layer)).weight();
        Int4Products.Weight small = linear.apply(layers.get(layer)).int4();
        Supplier<List<Weight>> alike = () -> layers.stream().map(linear).map(Linear::weight).toList();
        long result = add && leaves ? normed : to;
        if (fp8) {
            products.multiply(stream, new Shape(CublasLt.Type.FP8, type, wholeRows(rows), n, k, false, false),
                    quantized, one, result, result, alike);
            return;
        }
        boolean adds = add && !leaves;
        if (int4 != null && small != null && rows <= Int4Products.MOST_ROWS) {
            int4.multiply(stream, small, rows, from, one.bias(), adds, result);
        } else {
            if (int4 != null && small != null) {
                int4.widen(stream, small);
            }
            // where algorithms are tried x must not be written to, and gateUp is free then
            products.multiply(stream, new Shape(type, type, rows, n, k, adds, one.bias() != 0), from, one, result,
                    adds ? gateUp : result, alike);
        }
    }

    @Override
    public void close() {
        products.close();
    }
}
