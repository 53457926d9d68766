package dev.lockstep.torch;

import java.util.Arrays;
import java.util.List;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * DJL's arrays of any type as libtorch has them, those included at which DJL ends the process when it is asked for their
 * type, such as bfloat16. May be used by several threads.
 */
public final class Tensors {
    private static @Nullable Tensors loaded; // once it is

    private final TorchScriptProgram program = TorchScriptProgram.load(Tensors.class, "Tensors",
            List.of("tensors.torchscript"));

    private Tensors() {}

    /**
     * The one of this process.
     *
     * @throws dev.lockstep.djl.LibraryException when the engine cannot be loaded
     */
    public static synchronized Tensors loaded() {
        Tensors tensors = loaded == null ? new Tensors() : loaded;
        loaded = tensors;
        return tensors;
    }

    /**
     * An array's values one after the other.
     *
     * @param array   of one dimension
     * @param address in the device's memory
     */
    public record Flat(PtNDArray array, ScalarType type, long count, long address) implements AutoCloseable {
        /** The values, on CPU. */
        public Pointer memory() {
            return new Pointer(address);
        }

        /** The address of one of them. */
        public Pointer at(long index) {
            return new Pointer(address + index * type.bytes());
        }

        @Override
        public void close() {
            array.close();
        }
    }

    /**
     * An array's type.
     *
     * @throws IllegalArgumentException when it is none that can be sent
     */
    public synchronized ScalarType type(NDArray array) {
        if (!(array instanceof PtNDArray tensor)) {
            throw new IllegalArgumentException("an array of DJL's engine " + array.getManager().getEngine()
                    .getEngineName() + " cannot be sent: take one of PyTorch's");
        }
        long code = program.integer("scalar_type", tensor);
        return Arrays.stream(ScalarType.values())
                .filter(type -> type.code() == code && type != ScalarType.FLOAT8_E4M3FN)
                .findFirst().orElseThrow(() -> new IllegalArgumentException("an array of PyTorch's type " + code
                        + " cannot be sent: of float32, float64, bfloat16, float16, int64, int32, int8 and uint8 it can"));
    }

    /** An array's shape, which DJL may not ask for where it does not know the type. */
    public synchronized long[] shape(NDArray array) {
        return program.integers("shape", array);
    }

    /** All values of arrays of one type; a view where there is one array whose values lie one after the other. */
    public synchronized Flat flat(List<NDArray> arrays, ScalarType type) {
        PtNDManager manager = (PtNDManager) arrays.get(0).getManager();
        return flat(program.tensor(manager, "flat", (Object) arrays.stream().map(PtNDArray.class::cast)
                .toArray(PtNDArray[]::new)), type);
    }

    /**
     * An array of no values in particular. DJL makes it where it knows the type, so that gradients can go through it.
     *
     * @param manager closes it with its own
     */
    public synchronized PtNDArray empty(NDManager manager, Device device, ScalarType type, long... shape) {
        PtNDManager owner = (PtNDManager) manager;
        return type == ScalarType.BFLOAT16
                ? program.tensor(owner, "empty", shape, type, device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu")
                : JniUtils.createEmptyNdArray(owner, new Shape(shape), DataType.valueOf(type.name()), device,
                        SparseFormat.DENSE);
    }

    /** The values of an array that {@link #empty} made. */
    public synchronized Flat values(PtNDArray array, ScalarType type) {
        return flat(program.tensor(array.getManager(), "flat", (Object) new PtNDArray[]{array}), type);
    }

    /** Some values of an array of one dimension that {@link #empty} made, in a shape; a view. */
    public synchronized NDArray part(PtNDArray array, ScalarType type, long start, long[] shape) {
        if (type == ScalarType.BFLOAT16) {
            return program.tensor(array.getManager(), "part", array, start, shape);
        }
        long count = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        if (count == 0) {
            return empty(array.getManager(), array.getDevice(), type, shape);
        }
        try (NDArray all = array.get(start + ":" + (start + count))) {
            return all.reshape(shape);
        }
    }

    /** Room for as many values of the same type. */
    public synchronized Flat flatLike(Flat values) {
        return flat(empty(values.array().getManager(), values.array().getDevice(), values.type(), values.count()),
                values.type());
    }

    /** The same values in float32. */
    public synchronized Flat widened(Flat values) {
        return flat(program.tensor(values.array().getManager(), "widened", values.array()),
                ScalarType.FLOAT32);
    }

    /** Writes values of another type into an array of the same shape, each rounded to the nearest that it can hold. */
    public synchronized void fill(NDArray into, NDArray values) {
        long unused = program.integer("fill", into, values);
    }

    private static Flat flat(PtNDArray array, ScalarType type) {
        long count = array.getShape().size();
        return new Flat(array, type, count, TorchScriptProgram.address(array, type));
    }
}
