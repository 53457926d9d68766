package dev.lockstep.decoder;

import java.util.List;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.model.DType;

/**
 * Products of few rows in 16 bits by {@code kernels/few.cu}, which brings weights in while the kernels before it still run. They
 * are the same bits as cuBLASLt's for any number of rows, where it divides no sums.
 */
final class FewProducts {
    /** With more cuBLASLt is as fast, on an H200 with the weights of llama-3-8b. */
    private static final int MOST_ROWS = 4;
    private static final int TILE = 8;
    private static final int FIRST_ARCHITECTURE = 90;
    private static final int UNIT = 16;
    private static final int WARP = 32;
    private static final int WARPS = 4;
    private static final int LOADERS = 3;
    // those that multiply, those that bring weights, and one more that brings x
    private static final int THREADS = (WARPS + LOADERS + 1) * WARP;
    private static final int COLUMNS = 256;
    private static final int STAGES = 5;
    private static final int STAGE_BYTES = (UNIT * WARPS + TILE) * (2 * COLUMNS + 16);

    private final Kernel few;
    private final int multiprocessors;

    private FewProducts(DType dtype, int multiprocessors, KernelCompiler compiler) {
        this.multiprocessors = multiprocessors;
        few = compiler.overlapping(
                CudaKernels.source("storage") + CudaKernels.source("products") + CudaKernels.source("few"),
                List.of("STORAGE=" + DecoderProgram.scalarType(dtype).code(), "WIDE_NORMS=0", "THREADS=" + THREADS,
                        "WARPS=" + WARPS, "LOADERS=" + LOADERS, "COLUMNS=" + COLUMNS, "STAGES=" + STAGES),
                "few", THREADS, STAGES * STAGE_BYTES);
    }

    /**
     * Compiles them, unless they are on disk; null where the device or the type has none.
     *
     * @param multiprocessors of the device
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    static @Nullable FewProducts of(DType dtype, int multiprocessors, KernelCompiler compiler) {
        return dtype == DType.FLOAT32 || compiler.architecture() < FIRST_ARCHITECTURE
                ? null
                : new FewProducts(dtype, multiprocessors, compiler);
    }

    /** Whether they can multiply so many rows by a weight [n, k]. */
    static boolean fits(int rows, int n, int k) {
        return rows <= MOST_ROWS && n % UNIT == 0 && k % UNIT == 0;
    }

    /**
     * y [rows, n] = x [rows, k] weight^T, plus y itself, plus its bias.
     *
     * @param add y is added to
     */
    void multiply(Pointer stream, CublasLt.Weight weight, int rows, int n, int k, long x, long y, boolean add) {
        few.launchAs(CublasLt.title(n, k), 2L * n * k + 2L * rows * (n + k),
                2L * rows * n * k, stream,
                Math.min(n / UNIT, multiprocessors), 1, 1, y, x, weight.address(), weight.bias(), rows, n, k,
                add ? 1 : 0);
    }
}
