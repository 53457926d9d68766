package dev.lockstep.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import com.sun.jna.Pointer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.cuda.CublasLt.Type;
import dev.lockstep.cuda.CublasLt.Weight;
import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.Tensors;

import static org.assertj.core.api.Assertions.assertThat;

/** With whole sums over K, a row of a product is the same bits whatever the number of rows, in the shapes of models' layers. */
@GpuTest
class CublasLtGpuTest {
    private static final int MOST = 9735;
    private static final int COMPARED = 64;
    private static final int[] ROWS = {64, 65, 72, 80, 96, 100, 112, 128, 129, 160, 192, 200, 255, 256, 257, 300, 384,
            400,
            500, 512, 600, 700, 768, 900, 1000, 1024, 1100, 1363, 1400, 1500, 1666, 1800, 2000, 2048, 2100, 2500, 2728,
            2729,
            2730, 3066, 3067, 3238, 3245, 3252, 4090, 4096, 5000, 8187, 9200, MOST};
    private static final long WORKSPACE_BYTES = 32L << 20;

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "{0}: {1} x {2}, adds: {3}, bias: {4}")
    @MethodSource("shapes")
    void row_ofWholeSums_isTheSameBitsInAnyNumberOfRows(String what, int n, int k, boolean add,
            boolean bias) {
        Tensors tensors = Tensors.loaded();
        CudaGraph.usePoolStream();
        try (NDManager manager = DjlLibraries.load(() -> Engine.getEngine("PyTorch"))
                .newBaseManager(ai.djl.Device.gpu(0))) {
            PtNDArray x = random(tensors, manager, MOST, k);
            PtNDArray weight = random(tensors, manager, n, k);
            NDArray base = manager.randomNormal(new Shape(MOST, n));
            PtNDArray y = tensors.empty(manager, manager.getDevice(), ScalarType.BFLOAT16, (long) MOST * n);
            PtNDArray spare = tensors.empty(manager, manager.getDevice(), ScalarType.BFLOAT16, (long) MOST * n);
            PtNDArray workspace = tensors.empty(manager, manager.getDevice(), ScalarType.UINT8, WORKSPACE_BYTES);
            long xs = tensors.values(x, ScalarType.BFLOAT16).address();
            long ys = tensors.values(y, ScalarType.BFLOAT16).address();
            PtNDArray biases = random(tensors, manager, 1, n);
            Weight one = new Weight(tensors.values(weight, ScalarType.BFLOAT16).address(),
                    bias ? tensors.values(biases, ScalarType.BFLOAT16).address() : 0);
            List<String> others = new ArrayList<>();
            try (CublasLt products = new CublasLt(tensors.values(workspace, ScalarType.UINT8).address(),
                    WORKSPACE_BYTES,
                    true, directory)) {
                Pointer stream = CudaDriver.stream();
                for (int rows : ROWS) {
                    float[][] ends = new float[2][];
                    for (int i = 0; i < 2; i++) {
                        // the last rows by themselves, then all
                        int first = i == 0 ? rows - COMPARED : 0;
                        tensors.fill(y, base.reshape(-1));
                        products.multiply(stream,
                                new CublasLt.Shape(Type.BFLOAT16, Type.BFLOAT16, rows - first, n, k, add, bias),
                                xs + 2L * first * k, one, ys + 2L * first * n,
                                tensors.values(spare, ScalarType.BFLOAT16).address(), () -> List.of(one));
                        ends[i] = read(tensors, y, (long) (rows - COMPARED) * n, (long) COMPARED * n);
                    }
                    if (!Arrays.equals(ends[0], ends[1])) {
                        others.add(rows + " rows");
                    }
                }
            }
            assertThat(others).as("where rows are others").isEmpty();
        }
    }

    private static PtNDArray random(Tensors tensors, NDManager manager, int rows, int width) {
        PtNDArray array = tensors.empty(manager, manager.getDevice(), ScalarType.BFLOAT16, (long) rows * width);
        try (NDArray numbers = manager.randomNormal(new Shape((long) rows * width))) {
            tensors.fill(array, numbers);
        }
        return array;
    }

    private static float[] read(Tensors tensors, PtNDArray array, long from, long count) {
        try (NDArray part = tensors.part(array, ScalarType.BFLOAT16, from, new long[]{count});
                Tensors.Flat wide = tensors.widened(tensors.values((PtNDArray) part, ScalarType.BFLOAT16))) {
            return wide.array().toFloatArray();
        }
    }

    private static Stream<Arguments> shapes() {
        // hidden, query heads' width, keys' and values', intermediate
        return Stream.of(model("llama-3-8b", 4096, 4096, 2048, 14336), model("gemma3-4b", 2560, 2048, 2048, 10240),
                model("qwen3-8b", 4096, 4096, 2048, 12288), model("olmo2-7b", 4096, 4096, 8192, 11008),
                model("qwen2.5-0.5b", 896, 896, 256, 4864), model("llama-3-70b", 8192, 8192, 2048, 28672))
                .flatMap(each -> each);
    }

    private static Stream<Arguments> model(String name, int hidden, int queries, int keysAndValues, int intermediate) {
        return Stream.of(Arguments.of(name, queries + keysAndValues, hidden, false, false),
                Arguments.of(name, queries + keysAndValues, hidden, false, true),
                Arguments.of(name, hidden, queries, true, false), Arguments.of(name, hidden, queries, false, false),
                Arguments.of(name, 2 * intermediate, hidden, false, false),
                Arguments.of(name, hidden, intermediate, true, false),
                Arguments.of(name, hidden, intermediate, false, false));
    }
}
