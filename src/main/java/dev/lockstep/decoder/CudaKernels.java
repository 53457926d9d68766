package dev.lockstep.decoder;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.Rope;

/**
 * The kernels of a decode step ({@code kernels/*.cu}), for a model's shapes and the device at hand.
 *
 * @param peerNorm   takes the sum itself of what ranks have left; null where they do not reach each other
 * @param attentions of each layer, in a step
 * @param place      norm, rotation and keeping of what prompts' attention is computed of
 * @param keep       keeping of what a step's rows see of each other
 * @param quantize   null unless weights are fp8
 * @param headNorms  null unless queries and keys are normed over all of their heads
 * @param headSquares this rank's term of what such norms divide by; null unless several ranks compute such a model together
 * @param logits     null unless they have a bias or are capped
 * @param spread     makes logits of some tokens a term of all tokens'; null unless several ranks compute the model together
 * @param join       makes logits that are gathered all tokens'; null unless they do
 * @param scaleRows  makes a term of what a product has left; null unless they do, with fp8 weights
 */
record CudaKernels(Kernel embed, Kernel norm, @Nullable Kernel peerNorm, List<Attention> attentions, Kernel place,
        Kernel keep,
        Kernel swiglu, @Nullable Kernel quantize, @Nullable Kernel headNorms, @Nullable Kernel headSquares,
        @Nullable Kernel logits,
        @Nullable Kernel spread,
        @Nullable Kernel join,
        @Nullable Kernel scaleRows) {
    /**
     * The attention of a layer.
     *
     * @param small by small blocks, of which many share a multiprocessor
     * @param large by larger ones, where there are few of them or each has much to do
     * @param share to beginnings that rows share; null where each row attends to its own
     */
    record Attention(Kernel small, Kernel large, @Nullable Kernel share) {}

    /** Threads of a block of SwiGLU, where a row has several. */
    static final int SWIGLU_THREADS = 256;
    // where it has one, so that several share a multiprocessor
    private static final int SWIGLU_ROW_THREADS = 512;
    private static final int PLACE_THREADS = 256;
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int SHARE_THREADS = 256;
    private static final int MOST_THREADS = 1024;
    private static final int WARP = 32;
    /** Threads of a block that ends the logits' work. */
    static final int LOGITS_THREADS = 256;
    /** Threads of a block that spreads or joins logits. */
    static final int SPREAD_THREADS = 256;

    /** Values of a kernel's 16-byte accesses, in 16 bits. */
    static final int PACK_16 = 8;

    /** Values of a kernel's 16-byte accesses. */
    static int pack(DType dtype) {
        return 16 / dtype.bytes();
    }

    /** Query heads of one block of the attention. */
    static int chunk(ModelConfig config, DType dtype) {
        return Math.min(config.heads() / config.kvHeads(), onTensorCores(config, dtype) ? 8 : 4);
    }

    /** Rows of one block of the attention to what rows share, as share.cu has them. */
    static int shareRows(ModelConfig config) {
        return SHARE_THREADS / WARP * (config.headDim() > 128 ? 8 : 16) / (config.heads() / config.kvHeads());
    }

    private static boolean onTensorCores(ModelConfig config, DType dtype) {
        return dtype != DType.FLOAT32 && config.headDim() % 32 == 0;
    }

    /**
     * Compiles them, unless they are on disk.
     *
     * @param ranks compute the model together; the shapes are a part's where they are several
     * @param peers their GPUs reach each other
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a kernel does not compile
     */
    static CudaKernels compile(ModelConfig config, DType dtype, boolean fp8, boolean fp8Kv, int ranks,
            boolean peers, KernelCompiler compiler) {
        int pack = pack(dtype);
        boolean summed = ranks > 1;
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        boolean allHeads = config.norms().qk() == QkNorm.ALL_HEADS;
        List<String> stored = List.of("STORAGE=" + DecoderProgram.scalarType(dtype).code(),
                "WIDE_NORMS=" + (config.norms().wide() ? 1 : 0));
        List<String> types = with(stored, "FP8=" + (fp8 ? 1 : 0));
        String prelude = source("storage") + (fp8 ? source("fp8") : "");
        List<String> heads = List.of("HEADS=" + config.heads(), "KV_HEADS=" + config.kvHeads(),
                "HEAD_DIM=" + config.headDim());
        List<String> norms = with(types, "H=" + config.hidden(), "AFTER=" + (config.norms().after() ? 1 : 0),
                "CENTERED=" + (config.norms().form() == NormForm.RMS ? 0 : 1), "SUMMED=" + (summed ? 1 : 0));
        int widest = threads(config.hidden() / pack);
        Map<Integer, Attention> byWindow = new HashMap<>();
        List<Attention> attentions = new ArrayList<>();
        List<String> normed = with(with(types, heads), "RANKS=" + ranks);
        int normThreads = threads(Math.max(queries, keys) / pack);
        // what norms over all heads leave is scaled
        List<String> projected = with(allHeads ? with(stored, "FP8=0") : types, heads);
        for (ModelConfig.Layer layer : config.attention().layers()) {
            attentions.add(byWindow.computeIfAbsent(layer.window(),
                    window -> attention(config, dtype, fp8Kv, window, projected, prelude, compiler)));
        }
        return new CudaKernels(
                kernel(compiler, prelude + source("embed"), "embed", threads(config.hidden() / pack), types),
                kernel(compiler, prelude + source("norm"), "rmsNorm", widest, norms),
                peers
                        ? kernel(compiler, prelude + source("peer_rows") + source("norm"), "rmsNorm", widest,
                                with(norms, PeerRows.definitions()))
                        : null,
                attentions,
                kernel(compiler, prelude + source("kv_cache") + source("attention_common") + source("place"), "place",
                        PLACE_THREADS, with(projected, heads(config, fp8Kv, 0))),
                kernel(compiler, prelude + source("kv_cache") + source("attention_common") + source("keep"), "keep",
                        PLACE_THREADS, with(projected, heads(config, fp8Kv, 0))),
                fp8
                        ? kernel(compiler, prelude + source("swiglu"), "swiglu",
                                Math.min(SWIGLU_ROW_THREADS, threads(config.intermediate() / pack)),
                                with(types, gate(config.intermediate(), config.activation())))
                        : swiglu(config.intermediate(), dtype, config.activation(), compiler),
                fp8
                        ? kernel(compiler, prelude + source("quantize"), "quantize", threads(queries / pack),
                                with(types, "K=" + queries))
                        : null,
                allHeads
                        ? kernel(compiler, prelude + source("head_norms"), "headNorms", normThreads, normed)
                        : null,
                allHeads && summed
                        ? kernel(compiler, prelude + source("head_norms"), "headSquares", normThreads, normed)
                        : null,
                config.finalSoftcap() > 0 || config.ends().headBias()
                        ? kernel(compiler, source("storage") + source("logits"), "finishLogits", LOGITS_THREADS, stored)
                        : null,
                summed
                        ? kernel(compiler, prelude + source("shards"), "spread", SPREAD_THREADS,
                                with(types, "H=" + config.hidden()))
                        : null,
                summed
                        ? kernel(compiler, prelude + source("shards"), "join", SPREAD_THREADS,
                                with(types, "H=" + config.hidden()))
                        : null,
                summed && fp8
                        ? kernel(compiler, prelude + source("shards"), "scaleRows", threads(config.hidden() / pack),
                                with(types, "H=" + config.hidden()))
                        : null);
    }

    /** Of an MLP of this width, whose weights are not fp8. */
    static Kernel swiglu(int intermediate, DType dtype, Activation activation, KernelCompiler compiler) {
        return kernel(compiler, source("storage") + source("swiglu"), "swiglu", SWIGLU_THREADS,
                with(List.of("STORAGE=" + DecoderProgram.scalarType(dtype).code(), "WIDE_NORMS=0", "FP8=0"),
                        gate(intermediate, activation)));
    }

    private static List<String> gate(int intermediate, Activation activation) {
        int function = switch (activation) {
            case SILU, CLAMPED -> 0;
            case GELU_TANH, GELU_TANH_ALONE -> 1;
            case GELU_ALONE -> 2;
            case RELU_ALONE -> 3;
            case SQUARED_RELU_ALONE -> 4;
            case XIELU_ALONE -> 5;
        };
        return List.of("I=" + intermediate, "ALONE=" + (activation.isAlone() ? 1 : 0), "ACTIVATION=" + function);
    }

    private static Attention attention(ModelConfig config, DType dtype, boolean fp8Kv, int window,
            List<String> definitions,
            String prelude, KernelCompiler compiler) {
        boolean tiles = onTensorCores(config, dtype);
        String common = prelude + source("kv_cache") + source("attention_common") + (tiles ? source("tiles") : "");
        String source = common + source(tiles ? "attend" : "attend_scalar");
        List<String> all = with(definitions, heads(config, fp8Kv, window));
        return new Attention(kernel(compiler, source, "attend", SMALL, all),
                kernel(compiler, source, "attend", LARGE, all),
                // what a window leaves out is another beginning for each row
                tiles && window == 0 && shareRows(config) > 0
                        ? kernel(compiler, common + source("share"), "share", SHARE_THREADS, all)
                        : null);
    }

    /** What kernels are told of a layer's heads. */
    private static List<String> heads(ModelConfig config, boolean fp8Kv, int window) {
        double cap = config.attention().softcap();
        return List.of("PAGE=" + KvCache.PAGE_TOKENS, "WINDOW=" + window, "ROTARY=" + rotary(config),
                "QK_NORM=" + switch (config.norms().qk()) {
                case NONE, ALL_HEADS -> 0;
                case EACH_HEAD -> 1;
                case EACH_HEAD_TURNED -> 2;
                case TURNED_WITHOUT_WEIGHT -> 3;
                case EACH_HEAD_ITS_OWN -> 4;
                },
                "KV_FP8=" + (fp8Kv ? 1 : 0),
                "CAPPED=" + (cap > 0 ? 1 : 0), "SOFTCAP=" + (float) cap + "f");
    }

    /** Dimensions of a head that turn. */
    private static int rotary(ModelConfig config) {
        return config.ropes().stream().mapToInt(Rope::width).findFirst().orElse(0);
    }

    private static Kernel kernel(KernelCompiler compiler, String source, String name, int threads,
            List<String> definitions) {
        return compiler.overlapping(source, with(definitions, "THREADS=" + threads), name, threads, 0);
    }

    private static List<String> with(List<String> definitions, String... more) {
        return with(definitions, List.of(more));
    }

    private static List<String> with(List<String> definitions, List<String> more) {
        List<String> all = new ArrayList<>(definitions);
        all.addAll(more);
        return all;
    }

    /** Whole warps for so many pieces of work, at most what a block can have. */
    static int threads(int pieces) {
        return Math.min(MOST_THREADS, (pieces + WARP - 1) / WARP * WARP);
    }

    /** CUDA C of {@code kernels/}. */
    static String source(String kernel) {
        String resource = "kernels/" + kernel + ".cu";
        try (InputStream in = CudaKernels.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }
}
