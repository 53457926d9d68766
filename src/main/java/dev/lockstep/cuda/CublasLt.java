package dev.lockstep.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.LoadedLibrary;

/**
 * Products of activations and weights by cuBLASLt, the one that libtorch has loaded: y [M, N] = x [M, K] weight [N, K]^T,
 * plus y itself, plus a bias [N], all rows contiguous. Sums are in float32 whatever the values are stored in. Values in
 * fp8 are multiplied as they are: what they are to be scaled by is for y's reader, since with a scale for each row these
 * products take half as long again (2.3 and 3.2 ms for a step of llama-3-8b with 112 rows on an H200). Not safe for use by
 * several threads.
 */
public final class CublasLt implements AutoCloseable {
    // from cublas_api.h, library_types.h and cublasLt.h, whose numbers do not change
    private static final int COMPUTE_32F = 68;
    private static final int R_32F = 0;
    private static final int TRANSPOSED = 1;
    private static final int DESC_TRANSPOSE_A = 3;
    private static final int DESC_EPILOGUE = 7;
    private static final int DESC_BIAS = 8;
    private static final int EPILOGUE_BIAS = 4;
    private static final int PREFERENCE_WORKSPACE = 1;
    private static final int PREFERENCE_REDUCTIONS = 3;
    // cublasLtMatmulHeuristicResult_t: the algorithm in 64 bytes, bytes of workspace, state, and three more fields
    private static final int HEURISTIC_BYTES = 96;
    private static final int ALGORITHM_BYTES = 64;
    private static final int CANDIDATES = 8;
    /** Numbers of rows whose candidates are tried for fewer as well, of which cuBLASLt names but slow ones for some. */
    private static final int[] ROWS_ASKED_FOR = {80, 96, 112, 128};
    private static final int MOST_CANDIDATES = CANDIDATES * (1 + ROWS_ASKED_FOR.length);
    private static final int ALGORITHM_ID = 0;
    /** Products of so many rows have the algorithm whose sums those of fewer are to equal. */
    private static final int MANY_ROWS = 2048;
    private static final int STATE_OFFSET = 72;
    private static final int MOST_ROWS_TRIED = 128;
    private static final int TRIES = 3;
    /** An algorithm has to be so much faster than the best before it, which keeps noise from choosing. */
    private static final double WORTH_WHILE = 0.98;

    /** The type of the values of a product, as CUDA numbers it. */
    public enum Type {
        FLOAT32(R_32F, 4), FLOAT16(2, 2), BFLOAT16(14, 2), FP8(28, 1);

        private final int code;
        private final int bytes;

        Type(int code, int bytes) {
            this.code = code;
            this.bytes = bytes;
        }
    }

    /**
     * What a product looks like.
     *
     * @param in   type of x, weight and bias
     * @param out  type of y
     * @param rows M
     * @param n    N
     * @param k    K
     * @param add  whether y is added to
     * @param bias whether there is a bias
     */
    public record Shape(Type in, Type out, int rows, int n, int k, boolean add, boolean bias) {
        /** That it reads and writes at least. */
        private long bytes() {
            return ((long) n * k + (long) rows * k) * in.bytes + (long) rows * n * out.bytes * (add ? 2 : 1);
        }
    }

    /** By which {@link Launches} know products with a weight [n, k]. */
    public static String title(int n, int k) {
        return "product " + n + " x " + k;
    }

    /**
     * A weight by address.
     *
     * @param address of [N, K] values
     * @param bias    of [N] values; 0 for none
     */
    public record Weight(long address, long bias) {}

    private static final String LIBRARY = "libcublasLt.so";
    private static final int NOT_SUPPORTED = 15;

    private final NativeLibrary library = LoadedLibrary.named(LIBRARY);
    private final Pointer handle;
    private final long workspace;
    private final long workspaceBytes;
    private final boolean whole;
    private final @Nullable AlgorithmTable table;
    private final Map<Shape, Product> products = new HashMap<>();
    // the algorithms of products of many rows
    private final Map<Shape, byte[]> models = new HashMap<>();

    /**
     * @param workspace the address of so many bytes of the device's memory, which algorithms may use
     * @param whole     each sum over K is one sum, not one of parts of K whose number depends on M, and in one order: a row of y is
     *                  then the same whatever rows are beside it, from 64 rows on
     * @param cache     the directory that the table of the best algorithms is kept in
     */
    public CublasLt(long workspace, long workspaceBytes, boolean whole, Path cache) {
        this(workspace, workspaceBytes, whole,
                new AlgorithmTable(cache.resolve((whole ? "whole-" : "") + "algorithms-sm"
                        + CudaDriver.architecture() + "-"
                        + LoadedLibrary.named(LIBRARY).getFunction("cublasLtGetVersion").invokeLong(new Object[0])
                        + ".properties")));
    }

    /**
     * Products for which cuBLASLt's first choice is taken always.
     *
     * @param workspace the address of so many bytes of the device's memory, which algorithms may use
     * @param whole     as above
     */
    public CublasLt(long workspace, long workspaceBytes, boolean whole) {
        this(workspace, workspaceBytes, whole, (AlgorithmTable) null);
    }

    private CublasLt(long workspace, long workspaceBytes, boolean whole, @Nullable AlgorithmTable table) {
        this.workspace = workspace;
        this.workspaceBytes = workspaceBytes;
        this.whole = whole;
        this.table = table;
        PointerByReference reference = new PointerByReference();
        call("cublasLtCreate", reference);
        this.handle = reference.getValue();
    }

    /**
     * Hands a product to the GPU, or to the recording that is under way on the stream. The first of a shape with few rows
     * tries what algorithms there are, so it must not be recorded.
     *
     * @param x     address of x
     * @param y     address of y
     * @param spare address of [M, N] values that algorithms may write to when they are tried
     * @param alike all weights that are multiplied in this shape
     * @throws CudaException when cuBLASLt has no way to do it
     */
    public void multiply(Pointer stream, Shape shape, long x, Weight weight, long y, long spare,
            Supplier<List<Weight>> alike) {
        Product product = products.get(shape);
        if (product == null) {
            product = new Product(shape);
            products.put(shape, product);
            product.choose(stream, shape, x, spare, alike);
        }
        if (Launches.goes(product.title, product.bytes, product.operations)) {
            product.run(stream, x, weight, y);
        }
    }

    private void call(String name, Object... arguments) {
        CudaException.check(library.getFunction(name).invokeInt(arguments), name);
    }

    private Pointer create(String name, Object... arguments) {
        PointerByReference reference = new PointerByReference();
        Object[] all = new Object[arguments.length + 1];
        all[0] = reference;
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        call(name, all);
        return reference.getValue();
    }

    /** Forgets all shapes, which recorded graphs no longer need. */
    public void forget() {
        products.values().forEach(Product::close);
        products.clear();
    }

    @Override
    public void close() {
        forget();
        call("cublasLtDestroy", handle);
    }

    /** In cuBLAS's terms, whose matrices stand column by column: y^T [N, M] = (weight^T)^T x^T. */
    private final class Product {
        private final Pointer description;
        private final Pointer a;
        private final Pointer b;
        private final Pointer c;
        private final Memory one = new Memory(4);
        private final Memory beta = new Memory(4);
        private final Memory value = new Memory(16);
        private final Memory algorithms = new Memory((MOST_CANDIDATES + 2L) * HEURISTIC_BYTES);
        private final boolean biased;
        private final String title;
        private final long bytes;
        private final long operations;
        private final int found;
        private Pointer algorithm = algorithms;

        Product(Shape shape) {
            title = title(shape.n(), shape.k());
            bytes = shape.bytes();
            operations = 2L * shape.rows() * shape.n() * shape.k();
            one.setFloat(0, 1);
            beta.setFloat(0, shape.add() ? 1 : 0);
            description = create("cublasLtMatmulDescCreate", COMPUTE_32F, R_32F);
            describe(DESC_TRANSPOSE_A, TRANSPOSED);
            biased = shape.bias();
            if (biased) {
                describe(DESC_EPILOGUE, EPILOGUE_BIAS);
            }
            a = layout(shape.in(), shape.k(), shape.n());
            b = layout(shape.in(), shape.k(), shape.rows());
            c = layout(shape.out(), shape.n(), shape.rows());
            found = find(shape);
        }

        private void describe(int attribute, int number) {
            value.setInt(0, number);
            call("cublasLtMatmulDescSetAttribute", description, attribute, value, 4L);
        }

        void describe(int attribute, long address) {
            value.setLong(0, address);
            call("cublasLtMatmulDescSetAttribute", description, attribute, value, 8L);
        }

        private Pointer layout(Type type, int rows, int columns) {
            return create("cublasLtMatrixLayoutCreate", type.code, (long) rows, (long) columns, (long) rows);
        }

        /**
         * Leaves the algorithms that may be taken in {@code algorithms}, cuBLASLt's first choice first.
         *
         * @return how many there are
         */
        private int find(Shape shape) {
            List<byte[]> found = new ArrayList<>(named(b, c));
            if (isTried(shape)) {
                for (int rows : ROWS_ASKED_FOR) {
                    Pointer others = layout(shape.in(), shape.k(), rows);
                    Pointer results = layout(shape.out(), shape.n(), rows);
                    named(others, results).stream().filter(this::isPossible).forEach(found::add);
                    call("cublasLtMatrixLayoutDestroy", others);
                    call("cublasLtMatrixLayoutDestroy", results);
                }
            }
            if (whole) {
                // they differ in their tiles and sum in one order, where others may divide K among warps
                byte[] model = model(shape);
                found.removeIf(one -> identity(one) != identity(model));
                if (found.isEmpty()) {
                    found.add(model);
                }
            } else if (found.isEmpty()) {
                throw new CudaException("cuBLASLt has no algorithm for " + shape);
            }
            int kept = 0;
            for (byte[] one : found) {
                boolean known = false;
                for (int i = 0; i < kept; i++) {
                    known |= Arrays.equals(one, 0, ALGORITHM_BYTES, candidate(i), 0, ALGORITHM_BYTES);
                }
                if (!known) {
                    algorithms.write((long) kept++ * HEURISTIC_BYTES, one, 0, HEURISTIC_BYTES);
                }
            }
            return kept;
        }

        /** What cuBLASLt names for operands laid out so. */
        private List<byte[]> named(Pointer x, Pointer y) {
            Pointer preference = create("cublasLtMatmulPreferenceCreate");
            value.setLong(0, workspaceBytes);
            call("cublasLtMatmulPreferenceSetAttribute", preference, PREFERENCE_WORKSPACE, value, 8L);
            if (whole) {
                value.setInt(0, 0);
                call("cublasLtMatmulPreferenceSetAttribute", preference, PREFERENCE_REDUCTIONS, value, 4L);
            }
            IntByReference count = new IntByReference();
            int status = library.getFunction("cublasLtMatmulAlgoGetHeuristic").invokeInt(new Object[]{handle,
                    description, a, x, y, y, preference, CANDIDATES, algorithms, count});
            call("cublasLtMatmulPreferenceDestroy", preference);
            if (status == NOT_SUPPORTED) {
                return List.of();
            }
            CudaException.check(status, "cublasLtMatmulAlgoGetHeuristic");
            List<byte[]> candidates = new ArrayList<>();
            for (int i = 0; i < count.getValue(); i++) {
                if (algorithms.getInt((long) i * HEURISTIC_BYTES + STATE_OFFSET) == 0) {
                    candidates.add(candidate(i));
                }
            }
            return candidates;
        }

        /** Whether an algorithm can do this product, in the workspace that there is. */
        private boolean isPossible(byte[] candidate) {
            Pointer one = algorithms.share((long) MOST_CANDIDATES * HEURISTIC_BYTES);
            one.write(0, candidate, 0, HEURISTIC_BYTES);
            Pointer result = one.share(HEURISTIC_BYTES);
            int status = library.getFunction("cublasLtMatmulAlgoCheck").invokeInt(new Object[]{handle, description, a,
                    b, c, c, one, result});
            return status == 0 && result.getLong(ALGORITHM_BYTES) <= workspaceBytes;
        }

        /** The algorithm of many rows. */
        private byte[] model(Shape shape) {
            Shape many = new Shape(shape.in(), shape.out(), MANY_ROWS, shape.n(), shape.k(), shape.add(), shape.bias());
            byte[] model = models.get(many);
            if (model == null) {
                if (shape.equals(many)) {
                    model = named(b, c).stream().findFirst()
                            .orElseThrow(() -> new CudaException("cuBLASLt has no algorithm for " + shape));
                } else {
                    Product other = new Product(many);
                    model = other.candidate(0);
                    other.close();
                }
                models.put(many, model);
            }
            return model;
        }

        private byte[] candidate(int i) {
            return algorithms.getByteArray((long) i * HEURISTIC_BYTES, HEURISTIC_BYTES);
        }

        private int identity(byte[] candidate) {
            Pointer one = algorithms.share((long) MOST_CANDIDATES * HEURISTIC_BYTES);
            one.write(0, candidate, 0, HEURISTIC_BYTES);
            call("cublasLtMatmulAlgoConfigGetAttribute", one, ALGORITHM_ID, value, 4L, value.share(8));
            return value.getInt(0);
        }

        /**
         * Takes the fastest candidate where the weights are what costs: for many rows cuBLASLt's first choice is good.
         * In float32, where results are the same wherever they are computed, nothing may depend on a clock.
         */
        void choose(Pointer stream, Shape shape, long x, long y, Supplier<List<Weight>> alike) {
            AlgorithmTable known = table;
            if (known != null && isTried(shape)) {
                use(known.best(shape.toString(), () -> fastest(stream, x, y, alike.get())));
            }
        }

        private boolean isTried(Shape shape) {
            return table != null && shape.rows() <= MOST_ROWS_TRIED && shape.in() != Type.FLOAT32;
        }

        private void use(int candidate) {
            algorithm = algorithms.share((long) Math.min(candidate, found - 1) * HEURISTIC_BYTES);
        }

        private int fastest(Pointer stream, long x, long y, List<Weight> weights) {
            int best = 0;
            double bestSeconds = Double.MAX_VALUE;
            for (int candidate = 0; candidate < found; candidate++) {
                use(candidate);
                double seconds = seconds(stream, x, y, weights);
                if (seconds < bestSeconds * WORTH_WHILE) {
                    best = candidate;
                    bestSeconds = seconds;
                }
            }
            return best;
        }

        /** Of products with all the weights in turn, so that none of them is in the device's cache. */
        private double seconds(Pointer stream, long x, long y, List<Weight> weights) {
            try (CudaGraph all = CudaGraph.record(null,
                    () -> weights.forEach(weight -> run(stream, x, weight, y)))) {
                all.replay();
                CudaDriver.await(stream);
                long start = System.nanoTime();
                for (int i = 0; i < TRIES; i++) {
                    all.replay();
                }
                CudaDriver.await(stream);
                return (System.nanoTime() - start) / 1e9;
            }
        }

        void close() {
            call("cublasLtMatrixLayoutDestroy", a);
            call("cublasLtMatrixLayoutDestroy", b);
            call("cublasLtMatrixLayoutDestroy", c);
            call("cublasLtMatmulDescDestroy", description);
        }

        void run(Pointer stream, long x, Weight weight, long y) {
            // where there is none in the shape it is added by whoever reads y
            if (biased) {
                describe(DESC_BIAS, weight.bias());
            }
            call("cublasLtMatmul", handle, description, one, new Pointer(weight.address()), a, new Pointer(x), b, beta,
                    new Pointer(y), c, new Pointer(y), c, algorithm, new Pointer(workspace), workspaceBytes, stream);
        }
    }
}
