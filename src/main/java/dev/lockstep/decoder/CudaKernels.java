package dev.lockstep.decoder;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;
import dev.lockstep.checkpoint.ModelConfig.QkNorm;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;

/**
 * The kernels of a decode step ({@code kernels/*.cu}), for a model's shapes and the device at hand.
 *
 * @param attendSmall attention by small blocks, of which many share a multiprocessor
 * @param attendLarge attention by larger ones, where there are few of them or each has much to do
 * @param quantize    null unless weights are fp8
 */
record CudaKernels(Kernel embed, Kernel norm, Kernel attendSmall, Kernel attendLarge, Kernel swiglu,
        @Nullable Kernel quantize) {
    /** Threads of a block of SwiGLU, where a row has several. */
    static final int SWIGLU_THREADS = 256;
    // where it has one, so that several share a multiprocessor
    private static final int SWIGLU_ROW_THREADS = 512;
    private static final int SMALL = 64;
    private static final int LARGE = 128;
    private static final int MOST_THREADS = 1024;
    private static final int WARP = 32;

    /** Values of a kernel's 16-byte accesses. */
    static int pack(DType dtype) {
        return 16 / dtype.bytes();
    }

    /** Query heads of one block of the attention. */
    static int chunk(ModelConfig config, DType dtype) {
        return Math.min(config.heads() / config.kvHeads(), onTensorCores(config, dtype) ? 8 : 4);
    }

    private static boolean onTensorCores(ModelConfig config, DType dtype) {
        return dtype != DType.FLOAT32 && config.headDim() % 32 == 0;
    }

    /**
     * Compiles them, unless they are on disk.
     *
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a kernel does not compile
     */
    static CudaKernels compile(ModelConfig config, DType dtype, boolean fp8, KernelCompiler compiler) {
        int pack = pack(dtype);
        int queries = config.heads() * config.headDim();
        String prelude = source("storage") + (fp8 ? source("fp8") : "");
        List<String> types = List.of("STORAGE=" + DecoderProgram.scalarType(dtype).code(), "FP8=" + (fp8 ? 1 : 0));
        String attention = prelude + source("kv_cache") + source("attention_common")
                + source(onTensorCores(config, dtype) ? "attend" : "attend_scalar");
        List<String> shapes = with(types, "HEADS=" + config.heads(), "KV_HEADS=" + config.kvHeads(),
                "HEAD_DIM=" + config.headDim(), "PAGE=" + KvCache.PAGE_TOKENS,
                "WINDOW=" + config.attention().layers().get(0).window(),
                "QK_NORM=" + (config.norms().qk() == QkNorm.EACH_HEAD ? 1 : 0));
        return new CudaKernels(
                kernel(compiler, prelude + source("embed"), "embed", threads(config.hidden() / pack), types),
                kernel(compiler, prelude + source("norm"), "rmsNorm", threads(config.hidden() / pack),
                        with(types, "H=" + config.hidden())),
                kernel(compiler, attention, "attend", SMALL, shapes),
                kernel(compiler, attention, "attend", LARGE, shapes),
                kernel(compiler, prelude + source("swiglu"), "swiglu",
                        fp8 ? Math.min(SWIGLU_ROW_THREADS, threads(config.intermediate() / pack)) : SWIGLU_THREADS,
                        with(types, "I=" + config.intermediate())),
                fp8
                        ? kernel(compiler, prelude + source("quantize"), "quantize", threads(queries / pack),
                                with(types, "K=" + queries))
                        : null);
    }

    private static Kernel kernel(KernelCompiler compiler, String source, String name, int threads,
            List<String> definitions) {
        return new Kernel(compiler.compile(source, with(definitions, "THREADS=" + threads)), name, threads);
    }

    private static List<String> with(List<String> definitions, String... more) {
        List<String> all = new ArrayList<>(definitions);
        all.addAll(List.of(more));
        return all;
    }

    /** Whole warps for so many pieces of work, at most what a block can have. */
    private static int threads(int pieces) {
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
