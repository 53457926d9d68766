package dev.lockstep.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import ai.djl.util.Utils;
import com.sun.jna.Pointer;

import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.cuda.CublasLt;
import dev.lockstep.model.cuda.CublasLt.Shape;
import dev.lockstep.model.cuda.CublasLt.Type;
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
    private static final int WIDEST_HEAD = 256;
    private static final int TORCH_FLOAT = 6;
    private static final int TORCH_LONG = 4;
    private static final int TORCH_BYTE = 0;

    /** The weights of a layer by address; a bias or norm that the family lacks is 0. */
    private record Layer(long attentionNorm, long qkv, long qkvBias, long queryNorm, long keyNorm, long output,
            long outputBias, long mlpNorm, long gateUp, long gateUpBias, long down, long downBias) {}

    private final TorchScriptProgram program;
    private final ModelConfig config;
    private final DType dtype;
    private final Type type;
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
    private long partial;
    private long arrived;
    private long logits;

    /**
     * Compiles the kernels, unless they are on disk, and finds the weights of a program that has all of them.
     *
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.model.cuda.CudaException when a call of one fails
     */
    KernelStep(TorchScriptProgram program, ModelConfig config, DType dtype) {
        this.program = program;
        this.config = config;
        this.dtype = dtype;
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
            layers.add(new Layer(weight("attention_norm", i), weight("qkv", i),
                    bias("qkv_bias", config.attentionBias(), i),
                    bias("q_norm", headNorm, i), bias("k_norm", headNorm, i), weight("output", i),
                    bias("output_bias", config.outputBias(), i), weight("mlp_norm", i), weight("gate_up", i),
                    bias("gate_up_bias", config.mlpBias(), i), weight("down", i),
                    bias("down_bias", config.mlpBias(), i)));
        }
        embedding = weight("embed", 0);
        lastNorm = weight("norm", 0);
        head = weight("head", 0);
        cosine = program.address(TORCH_FLOAT, "state", "cos");
        sine = program.address(TORCH_FLOAT, "state", "sin");
        cache = new long[config.layers()];
        program.integer("allocate_workspace", WORKSPACE_BYTES);
        products = new CublasLt(program.address(TORCH_BYTE, "state", "workspace"), WORKSPACE_BYTES);
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

    private long bias(String name, boolean there, int i) {
        return there ? weight(name, i) : 0;
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
                values(slots, config.intermediate()), align(mostSplit),
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
        partial = activated + sizes[5];
        arrived = partial + sizes[6];
        logits = program.address(TORCH_FLOAT, "state", "logits");
        token = program.address(TORCH_LONG, "state", "token");
        position = program.address(TORCH_LONG, "state", "position");
        for (int i = 0; i < cache.length; i++) {
            cache[i] = program.address(dtype.torchCode(), "weight", "kv", i);
        }
    }

    private long values(int slots, int width) {
        return align((long) slots * width * dtype.bytes());
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
        multiply(stream, Type.FLOAT32, rows, config.vocabulary(), config.hidden(), false, normed, head, logits, 0);
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
            multiply(stream, type, rows, projected, hidden, false, normed, layer.qkv(), qkv, layer.qkvBias());
            attend.launch(stream, splits, attentionBlocks, rows, attended, qkv, cache[i], cosine, sine,
                    layer.queryNorm(), layer.keyNorm(), position, partial, arrived, capacity, scale, eps);
            multiply(stream, type, rows, hidden, queries, true, attended, layer.output(), x, layer.outputBias());
            norm.launch(stream, rows, 1, 1, normed, x, layer.mlpNorm(), hidden, eps);
            multiply(stream, type, rows, 2 * intermediate, hidden, false, normed, layer.gateUp(), gateUp,
                    layer.gateUpBias());
            swiglu.launch(stream, (intermediate / pack + SWIGLU_THREADS - 1) / SWIGLU_THREADS, rows, 1, activated,
                    gateUp,
                    intermediate);
            multiply(stream, type, rows, hidden, intermediate, true, activated, layer.down(), x, layer.downBias());
        }
    }

    private void multiply(Pointer stream, Type out, int rows, int n, int k, boolean add, long from, long weight,
            long to,
            long bias) {
        products.multiply(stream, new Shape(type, out, rows, n, k, add, bias != 0), from, weight, to, bias);
    }

    @Override
    public void close() {
        products.close();
    }
}
