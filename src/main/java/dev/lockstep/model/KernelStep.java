package dev.lockstep.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

import ai.djl.util.Utils;
import com.sun.jna.Pointer;

import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.cuda.CublasLt;
import dev.lockstep.model.cuda.CublasLt.Shape;
import dev.lockstep.model.cuda.CublasLt.Type;
import dev.lockstep.model.cuda.CublasLt.Weight;
import dev.lockstep.model.cuda.CudaDriver;
import dev.lockstep.model.cuda.Kernel;
import dev.lockstep.model.cuda.KernelCompiler;

/**
 * A decode step from the rows' last tokens to their logits, by kernels of our own ({@code kernels/*.cu}) and cuBLASLt
 * instead of the TorchScript program, whose weights, cache and state it works on by their addresses. All of its buffers
 * stay where they are, so that a step can be recorded; it is meant to be, since handing over a step's launches one by one
 * takes the processor some milliseconds.
 *
 * <p>Residual additions are part of the products that precede them, and a step of a layer is: norm, product, attention
 * with all that goes before it, product, norm, product, SwiGLU, product.
 */
final class KernelStep implements AutoCloseable {
    private static final long WORKSPACE_BYTES = 32L << 20;
    private static final long ALIGNMENT = 256;
    // of a block of attend.cu: many blocks share a multiprocessor best when they are small, few make use of more warps
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SMALL_AT_ONCE = 8;
    /** From so many tokens on the loop over them outweighs what goes before and after it. */
    private static final int LONG = 512;
    /** A split of a row's tokens has at least so many. */
    private static final int SPLIT_TOKENS = 256;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
    private static final int SWIGLU_THREADS = 256;
    private static final int FP8_ROWS = 16;
    private static final int WIDEST_HEAD = 256;
    private static final int TORCH_FLOAT = 6;
    private static final int TORCH_LONG = 4;
    private static final int TORCH_BYTE = 0;
    private static final int TORCH_FP8 = 24;

    /** The weights of a layer; a norm that the family lacks is 0. */
    private record Layer(long attentionNorm, Weight qkv, long queryNorm, long keyNorm, Weight output, long mlpNorm,
            Weight gateUp, Weight down) {}

    private final TorchScriptProgram program;
    private final ModelConfig config;
    private final DType dtype;
    private final Type type;
    private final boolean fp8;
    // values of a kernel's 16-byte accesses
    private final int pack;
    // query heads of one block of the attention
    private final int chunk;
    private final int attentionBlocks;
    private final int multiprocessors = CudaDriver.multiprocessors();
    private final CublasLt products;
    private final Kernel norm;
    private final Kernel swiglu;
    private final Kernel embed;
    // null unless weights are fp8
    private final Kernel quantize;
    private final Kernel attendSmall;
    private final Kernel attendLarge;
    private final List<Layer> layers = new ArrayList<>();
    private final long embedding;
    private final long lastNorm;
    private final long head;
    private final long cosine;
    private final long sine;
    // by allocation
    private final long[] cache;
    private long capacity;
    private long token;
    private long position;
    private long x;
    private long normed;
    private long qkv;
    private long attended;
    private long gateUp;
    private long activated;
    private long quantized;
    private long scales;
    private long partial;
    private long arrived;
    private long logits;

    /**
     * Compiles the kernels, unless they are on disk, and finds the weights of a program that has all of them.
     *
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.model.cuda.CudaException when a call of one fails
     */
    KernelStep(TorchScriptProgram program, ModelConfig config, DType dtype, boolean fp8) {
        this.program = program;
        this.config = config;
        this.dtype = dtype;
        this.fp8 = fp8;
        this.type = Type.valueOf(dtype.name());
        this.pack = 16 / dtype.bytes();
        boolean tensorCores = dtype != DType.FLOAT32 && config.headDim() % 32 == 0;
        boolean headNorm = config.norms().qk() == QkNorm.EACH_HEAD;
        int group = config.heads() / config.kvHeads();
        this.chunk = Math.min(group, tensorCores ? 8 : 4);
        this.attentionBlocks = config.kvHeads() * ((group + chunk - 1) / chunk);
        KernelCompiler compiler = new KernelCompiler(cacheDirectory());
        String storage = source("storage");
        String types = "STORAGE=" + dtype.torchCode();
        norm = new Kernel(compiler.compile(storage + source("norm"), List.of(types)), "rmsNorm",
                threads(config.hidden() / pack));
        embed = new Kernel(compiler.compile(storage + source("embed"), List.of(types)), "embed",
                threads(config.hidden() / pack));
        quantize = fp8
                ? new Kernel(compiler.compile(storage + source("quantize"), List.of(types)), "quantize",
                        threads(config.hidden() / pack))
                : null;
        swiglu = new Kernel(compiler.compile(storage + source("swiglu"), List.of(types)), "swiglu", SWIGLU_THREADS);
        String attention = storage + source("head") + source(tensorCores ? "attend" : "attend_scalar");
        List<String> shapes = List.of(types, "HEADS=" + config.heads(), "KV_HEADS=" + config.kvHeads(),
                "HEAD_DIM=" + config.headDim(), "WINDOW=" + config.attention().layers().get(0).window(),
                "QK_NORM=" + (headNorm ? 1 : 0));
        // wide heads need more registers than so many blocks leave
        attendSmall = attention(compiler, attention, shapes, SMALL,
                config.headDim() > 128 ? SMALL_AT_ONCE / 2 : SMALL_AT_ONCE);
        attendLarge = attention(compiler, attention, shapes, LARGE, 1);
        compiler.report();

        for (int i = 0; i < config.layers(); i++) {
            layers.add(new Layer(weight("attention_norm", i), product("qkv", config.attentionBias(), i),
                    headNorm ? weight("q_norm", i) : 0, headNorm ? weight("k_norm", i) : 0,
                    product("output", config.outputBias(), i), weight("mlp_norm", i),
                    product("gate_up", config.mlpBias(), i), product("down", config.mlpBias(), i)));
        }
        embedding = weight("embed", 0);
        lastNorm = weight("norm", 0);
        head = weight("head", 0);
        cosine = program.address(TORCH_FLOAT, "state", "cos");
        sine = program.address(TORCH_FLOAT, "state", "sin");
        cache = new long[config.layers()];
        program.integer("allocate_workspace", WORKSPACE_BYTES);
        products = new CublasLt(program.address(TORCH_BYTE, "state", "workspace"), WORKSPACE_BYTES,
                cacheDirectory());
    }

    /** Whether the kernels can compute this model in this type. */
    static boolean fits(ModelConfig config, DType dtype) {
        int pack = 16 / dtype.bytes();
        return config.hidden() % pack == 0 && config.intermediate() % pack == 0 && config.headDim() % pack == 0
                && config.headDim() <= WIDEST_HEAD && computes(config);
    }

    /** Whether it is a model of llama's kind: the rest is left to the program. */
    private static boolean computes(ModelConfig config) {
        ModelConfig.Norms norms = config.norms();
        ModelConfig.Attention attention = config.attention();
        ModelConfig.Layer first = attention.layers().get(0);
        return norms.before() && !norms.after() && norms.qk() != QkNorm.ALL_HEADS && !norms.wide()
                && attention.softcap() == 0 && attention.layers().stream().allMatch(first::equals)
                && first.rope() != null && first.rope().width() == config.headDim() && config.embeddingScale() == 1
                && config.finalSoftcap() == 0 && config.activation() == Activation.SILU;
    }

    private static Path cacheDirectory() {
        return Utils.getEngineCacheDir().resolve("kernels");
    }

    private static Kernel attention(KernelCompiler compiler, String source, List<String> shapes, int threads,
            int atOnce) {
        List<String> definitions = new ArrayList<>(shapes);
        definitions.add("THREADS=" + threads);
        definitions.add("BLOCKS_AT_ONCE=" + atOnce);
        return new Kernel(compiler.compile(source, definitions), "attend", threads);
    }

    /** Whole warps for so many pieces of work, at most what a block can have. */
    private static int threads(int pieces) {
        return Math.min(1024, (pieces + 31) / 32 * 32);
    }

    private static String source(String kernel) {
        String resource = "kernels/" + kernel + ".cu";
        try (InputStream in = KernelStep.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }

    private long weight(String name, int i) {
        return program.address(dtype.torchCode(), "weight", name, i);
    }

    private Weight product(String name, boolean bias, int i) {
        return new Weight(program.address(fp8 ? TORCH_FP8 : dtype.torchCode(), "weight", name, i),
                bias ? weight(name + "_bias", i) : 0,
                fp8 ? program.address(TORCH_FLOAT, "weight", name + "_scale", i) : 0);
    }

    /** Takes over the cache and the rows' state that the program has just allocated, and makes room for a step. */
    void allocate(int slots, int capacity) {
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        // what attention leaves of split rows; there is more than one split only where there are few blocks
        long mostSplit = (long) BLOCKS_PER_MULTIPROCESSOR * multiprocessors * chunk * (config.headDim() + 2)
                * Float.BYTES;
        long[] sizes = {values(slots, config.hidden()), values(slots, config.hidden()),
                values(slots, queries + 2 * keys), values(slots, queries), values(slots, 2 * config.intermediate()),
                values(slots, config.intermediate()),
                fp8
                        ? align((long) wholeRows(slots)
                                * Math.max(config.hidden(), Math.max(queries, config.intermediate())))
                        : 0,
                align((long) wholeRows(slots) * Float.BYTES), align(mostSplit),
                align((long) slots * attentionBlocks * Integer.BYTES)};
        long total = 0;
        for (long size : sizes) {
            total += size;
        }
        program.integer("allocate_step", slots, total);
        this.capacity = capacity;
        x = program.address(TORCH_BYTE, "state", "scratch");
        normed = x + sizes[0];
        qkv = normed + sizes[1];
        attended = qkv + sizes[2];
        gateUp = attended + sizes[3];
        activated = gateUp + sizes[4];
        quantized = activated + sizes[5];
        scales = quantized + sizes[6];
        partial = scales + sizes[7];
        arrived = partial + sizes[8];
        logits = program.address(TORCH_FLOAT, "state", "logits");
        token = program.address(TORCH_LONG, "state", "token");
        position = program.address(TORCH_LONG, "state", "position");
        for (int i = 0; i < cache.length; i++) {
            cache[i] = program.address(dtype.torchCode(), "weight", "kv", i);
        }
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
     * Into how many parts a step divides each row's tokens: 1 unless there are fewer rows than would keep the device
     * busy.
     *
     * @param longest tokens of the longest row
     * @return a power of 2
     */
    private int splits(int rows, int longest) {
        int room = BLOCKS_PER_MULTIPROCESSOR * multiprocessors / (rows * attentionBlocks);
        return Integer.highestOneBit(Math.max(1, Math.min(room, longest / SPLIT_TOKENS)));
    }

    /** Steps of so many rows with the same number here do the same work, whatever the rows' lengths. */
    int variant(int rows, int longest) {
        return 2 * splits(rows, longest) + (longest >= LONG ? 1 : 0);
    }

    /** Computes the logits of rows 0 to {@code rows - 1}, which the program's {@code choose_step} reads. */
    void run(int rows, int longest) {
        Pointer stream = CudaDriver.stream();
        runLayers(stream, rows, longest, config.layers());
        norm.launch(stream, rows, 1, 1, normed, x, lastNorm, config.hidden(), (float) config.norms().eps());
        Weight last = new Weight(head, 0, 0);
        products.multiply(stream,
                new Shape(type, Type.FLOAT32, rows, config.vocabulary(), config.hidden(), false, false), normed, 0,
                last,
                logits, logits, () -> List.of(last));
    }

    /** Computes the residual stream of the rows after so many layers, for tests. */
    void runLayers(int rows, int longest, int count) {
        runLayers(CudaDriver.stream(), rows, longest, count);
    }

    private void runLayers(Pointer stream, int rows, int longest, int count) {
        int hidden = config.hidden();
        int queries = config.heads() * config.headDim();
        int projected = queries + 2 * config.kvHeads() * config.headDim();
        int intermediate = config.intermediate();
        float eps = (float) config.norms().eps();
        int splits = splits(rows, longest);
        Kernel attend = longest >= LONG || rows * attentionBlocks < 4 * multiprocessors ? attendLarge : attendSmall;
        float scale = (float) config.attention().scale();
        embed.launch(stream, rows, 1, 1, x, embedding, token, hidden);
        for (int i = 0; i < count; i++) {
            Layer layer = layers.get(i);
            norm.launch(stream, rows, 1, 1, normed, x, layer.attentionNorm(), hidden, eps);
            multiply(stream, rows, projected, hidden, false, normed, Layer::qkv, i, qkv);
            attend.launch(stream, splits, attentionBlocks, rows, attended, qkv, cache[i], cosine, sine,
                    layer.queryNorm(), layer.keyNorm(), position, partial, arrived, capacity, scale, eps);
            multiply(stream, rows, hidden, queries, true, attended, Layer::output, i, x);
            norm.launch(stream, rows, 1, 1, normed, x, layer.mlpNorm(), hidden, eps);
            multiply(stream, rows, 2 * intermediate, hidden, false, normed, Layer::gateUp, i, gateUp);
            swiglu.launch(stream, (intermediate / pack + SWIGLU_THREADS - 1) / SWIGLU_THREADS, rows, 1, activated,
                    gateUp,
                    intermediate);
            multiply(stream, rows, hidden, intermediate, true, activated, Layer::down, i, x);
        }
    }

    private void multiply(Pointer stream, int rows, int n, int k, boolean add, long from,
            Function<Layer, Weight> weight,
            int layer, long to) {
        Weight one = weight.apply(layers.get(layer));
        // x must not be written to before its time; the widest buffer is free then
        long spare = add ? gateUp : to;
        Supplier<List<Weight>> alike = () -> layers.stream().map(weight).toList();
        if (fp8) {
            quantize.launch(stream, rows, 1, 1, quantized, scales, from, k);
            products.multiply(stream, new Shape(Type.FLOAT8, type, wholeRows(rows), n, k, add, one.bias() != 0),
                    quantized, scales, one, to, spare, alike);
        } else {
            products.multiply(stream, new Shape(type, type, rows, n, k, add, one.bias() != 0), from, 0, one, to, spare,
                    alike);
        }
    }

    @Override
    public void close() {
        products.close();
    }
}
