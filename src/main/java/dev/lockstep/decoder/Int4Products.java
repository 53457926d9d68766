package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;

import com.sun.jna.Pointer;

import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.torch.ScalarType;

/** Products with weights that stay in 4 bits, and their numbers for whatever multiplies by those, by {@code kernels/int4.cu}. */
final class Int4Products {
    /** For more rows than this making the numbers first is faster. */
    static final int MOST_ROWS = 96;
    private static final int WARP = 32;
    private static final int COLUMNS = 64;
    private static final int ROWS = 16;
    /** Rows of x that tensor cores take at once. */
    private static final int TILE = 8;
    private static final int GROUP_UNIT = 32;
    /** Of a group that is a whole row. */
    private static final int ONE_GROUP = 30;
    /** A weight of so many rows keeps a GPU busy with blocks of fewer threads. */
    private static final int LARGE = 16384;
    private static final int WIDEN_THREADS = 256;

    /**
     * A kernel of products.
     *
     * @param high  times 16 rows of a weight that a block has
     * @param tiles times 8 rows of x
     */
    private record Product(Kernel kernel, int high, int tiles) {}

    /**
     * A weight [n, k].
     *
     * @param values  address of the values
     * @param grid    address of scales and zeros
     * @param shift   2^shift times 32 columns share a scale
     * @param numbers address of where its numbers have room, beside those of no other layer
     */
    record Weight(long values, long grid, int n, int k, int shift, long numbers) {}

    private final Product one;
    private final Product oneOfLarge;
    private final Product two;
    private final Product twoOfLarge;
    private final Product four;
    private final Product fourOfLarge;
    private final Kernel widen;
    private final List<List<Weight>> layers = new ArrayList<>();

    /**
     * For a program that has its weights; compiles the kernels, unless they are on disk.
     *
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    Int4Products(DecoderProgram program, ModelConfig config, DType dtype, KernelCompiler compiler) {
        ScalarType type = DecoderProgram.scalarType(dtype);
        one = product(compiler, type, 1, 1, 512);
        oneOfLarge = product(compiler, type, 1, 1, 256);
        two = product(compiler, type, 1, 2, 512);
        twoOfLarge = product(compiler, type, 1, 2, 256);
        four = product(compiler, type, 1, 4, 256);
        fourOfLarge = product(compiler, type, 2, 4, 128);
        widen = kernel(compiler, type, "widen", WIDEN_THREADS);
        int queries = config.heads() * config.headDim();
        int keys = config.kvHeads() * config.headDim();
        for (int i = 0; i < config.layers(); i++) {
            layers.add(List.of(weight(program, "qkv", i, type, queries + 2 * keys, config.hidden()),
                    weight(program, "output", i, type, config.hidden(), queries),
                    weight(program, "gate_up", i, type, 2 * config.intermediate(), config.hidden()),
                    weight(program, "down", i, type, config.hidden(), config.intermediate())));
        }
    }

    private static Product product(KernelCompiler compiler, ScalarType type, int high, int tiles, int threads) {
        return new Product(kernel(compiler, type, "product" + tiles, threads), high, tiles);
    }

    private static Kernel kernel(KernelCompiler compiler, ScalarType type, String name, int threads) {
        return compiler.kernel(
                CudaKernels.source("storage") + CudaKernels.source("products") + CudaKernels.source("int4"),
                List.of("STORAGE=" + type.code(), "WIDE_NORMS=0", "THREADS=" + threads), name, threads);
    }

    private static Weight weight(DecoderProgram program, String name, int layer, ScalarType type, int n, int k) {
        int group = program.int4Group(name, layer);
        int shift = group == k ? ONE_GROUP : Integer.numberOfTrailingZeros(group / GROUP_UNIT);
        return new Weight(program.weightAddress(name + "_int4", layer, ScalarType.UINT8),
                program.weightAddress(name + "_grid", layer, ScalarType.INT32), n, k, shift,
                program.weightAddress(name, layer, type));
    }

    /** The weight of a layer whose numbers are at this address. */
    Weight weight(int layer, long numbers) {
        return layers.get(layer).stream().filter(weight -> weight.numbers == numbers).findFirst().orElseThrow();
    }

    /** Makes the numbers of a weight, in the place of another layer's. */
    void widen(Pointer stream, Weight weight) {
        int warps = WIDEN_THREADS / WARP;
        int blocks = (weight.k / COLUMNS + warps - 1) / warps;
        widen.launch(stream, blocks, weight.n / ROWS, 1, weight.numbers, weight.values, weight.grid, weight.k,
                weight.shift);
    }

    /**
     * y [rows, n] = x [rows, k] weight^T, in the type of computation.
     *
     * @param bias of [n] values, or 0
     * @param add  y is added to
     */
    void multiply(Pointer stream, Weight weight, int rows, long x, long bias, boolean add, long y) {
        Product product = product(weight.n, rows);
        int high = ROWS * product.high;
        int wide = TILE * product.tiles;
        product.kernel.launch(stream, (weight.n + high - 1) / high, (rows + wide - 1) / wide, 1, y, x, weight.values,
                weight.grid, bias, rows, weight.n, weight.k, weight.shift, add ? 1 : 0);
    }

    /** Measured on an H100 with the weights of llama-3-8b; all give the same bits. */
    private Product product(int n, int rows) {
        if (rows <= TILE) {
            return n < LARGE ? one : oneOfLarge;
        }
        if (rows <= 2 * TILE) {
            return n < LARGE ? two : twoOfLarge;
        }
        return n < LARGE && rows <= 4 * TILE ? four : fourOfLarge;
    }
}
