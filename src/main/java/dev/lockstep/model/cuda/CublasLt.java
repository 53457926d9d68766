package dev.lockstep.model.cuda;

import java.util.HashMap;
import java.util.Map;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

/**
 * Products of activations and weights by cuBLASLt, the one that libtorch has loaded: y [M, N] = x [M, K] weight [N, K]^T,
 * plus y itself, plus a bias [N], all rows contiguous. Sums are in float32 whatever the values are stored in. Not safe for
 * use by several threads.
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
    // cublasLtMatmulHeuristicResult_t: the algorithm in 64 bytes, bytes of workspace, state, and three more fields
    private static final int HEURISTIC_BYTES = 96;
    private static final int CANDIDATES = 8;
    private static final int STATE_OFFSET = 72;

    /** The type of the values of a product, as CUDA numbers it. */
    public enum Type {
        FLOAT32(R_32F), FLOAT16(2), BFLOAT16(14);

        private final int code;

        Type(int code) {
            this.code = code;
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
    public record Shape(Type in, Type out, int rows, int n, int k, boolean add, boolean bias) {}

    private final NativeLibrary library = LoadedLibrary.named("libcublasLt.so");
    private final Pointer handle;
    private final long workspace;
    private final long workspaceBytes;
    private final Map<Shape, Product> products = new HashMap<>();

    /** @param workspace the address of so many bytes of the device's memory, which algorithms may use */
    public CublasLt(long workspace, long workspaceBytes) {
        this.workspace = workspace;
        this.workspaceBytes = workspaceBytes;
        PointerByReference reference = new PointerByReference();
        call("cublasLtCreate", reference);
        this.handle = reference.getValue();
    }

    /**
     * Hands a product to the GPU, or to the recording that is under way on the stream. Arguments are addresses.
     *
     * @throws CudaException when cuBLASLt has no way to do it
     */
    public void multiply(Pointer stream, Shape shape, long x, long weight, long y, long bias) {
        products.computeIfAbsent(shape, Product::new).run(stream, x, weight, y, bias);
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

    /** Forgets the products, which recorded graphs no longer need. */
    @Override
    public void close() {
        products.values().forEach(Product::close);
        products.clear();
        call("cublasLtDestroy", handle);
    }

    /** In cuBLAS's terms, whose matrices stand column by column: y^T [N, M] = (weight^T)^T x^T. */
    private final class Product {
        private final Pointer description;
        private final Pointer a;
        private final Pointer b;
        private final Pointer c;
        private final boolean bias;
        private final Memory one = new Memory(4);
        private final Memory beta = new Memory(4);
        private final Memory value = new Memory(8);
        private final Memory algorithms = new Memory((long) CANDIDATES * HEURISTIC_BYTES);

        Product(Shape shape) {
            bias = shape.bias();
            one.setFloat(0, 1);
            beta.setFloat(0, shape.add() ? 1 : 0);
            description = create("cublasLtMatmulDescCreate", COMPUTE_32F, R_32F);
            describe(DESC_TRANSPOSE_A, TRANSPOSED);
            if (bias) {
                describe(DESC_EPILOGUE, EPILOGUE_BIAS);
            }
            a = layout(shape.in(), shape.k(), shape.n());
            b = layout(shape.in(), shape.k(), shape.rows());
            c = layout(shape.out(), shape.n(), shape.rows());
            chooseAlgorithm(shape);
        }

        private void describe(int attribute, int number) {
            value.setInt(0, number);
            call("cublasLtMatmulDescSetAttribute", description, attribute, value, 4L);
        }

        private Pointer layout(Type type, int rows, int columns) {
            return create("cublasLtMatrixLayoutCreate", type.code, (long) rows, (long) columns, (long) rows);
        }

        private void chooseAlgorithm(Shape shape) {
            Pointer preference = create("cublasLtMatmulPreferenceCreate");
            value.setLong(0, workspaceBytes);
            call("cublasLtMatmulPreferenceSetAttribute", preference, PREFERENCE_WORKSPACE, value, 8L);
            IntByReference found = new IntByReference();
            call("cublasLtMatmulAlgoGetHeuristic", handle, description, a, b, c, c, preference, CANDIDATES, algorithms,
                    found);
            call("cublasLtMatmulPreferenceDestroy", preference);
            if (found.getValue() == 0 || algorithms.getInt(STATE_OFFSET) != 0) {
                throw new CudaException("cuBLASLt has no algorithm for " + shape);
            }
        }

        void close() {
            call("cublasLtMatrixLayoutDestroy", a);
            call("cublasLtMatrixLayoutDestroy", b);
            call("cublasLtMatrixLayoutDestroy", c);
            call("cublasLtMatmulDescDestroy", description);
        }

        void run(Pointer stream, long x, long weight, long y, long biasAddress) {
            if (bias) {
                value.setLong(0, biasAddress);
                call("cublasLtMatmulDescSetAttribute", description, DESC_BIAS, value, 8L);
            }
            call("cublasLtMatmul", handle, description, one, new Pointer(weight), a, new Pointer(x), b, beta,
                    new Pointer(y), c, new Pointer(y), c, algorithms, new Pointer(workspace), workspaceBytes, stream);
        }
    }
}
