package dev.lockstep.cuda;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.FloatByReference;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.LoadedLibrary;

/**
 * The calls of the CUDA driver that kernels of our own take, on the calling thread's current device and libtorch's current
 * stream; no other class makes them.
 */
public final class CudaDriver {
    private static final String CURRENT_STREAM = "_ZN3c104cuda20getCurrentCUDAStreamEa";
    private static final String RAW_STREAM = "_ZNK3c104cuda10CUDAStream6streamEv";
    // values of CUdevice_attribute
    private static final int MULTIPROCESSORS = 16;
    private static final int MAJOR = 75;
    private static final int MINOR = 76;
    // of CUfunction_attribute
    private static final int MOST_SHARED = 8;
    // CUlaunchConfig: blocks in three directions, threads, shared memory, stream, attributes, their number; and an attribute
    private static final int CONFIG_BLOCK = 12;
    private static final int CONFIG_SHARED = 24;
    private static final int CONFIG_STREAM = 32;
    private static final int CONFIG_ATTRIBUTES = 40;
    private static final int CONFIG_COUNT = 48;
    private static final int CONFIG_BYTES = 56;
    private static final int ATTRIBUTE_BYTES = 72;
    // of CUlaunchAttributeID
    private static final int STREAM_SERIALIZATION = 6;
    private static final int EVENT_WITHOUT_TIME = 2;
    /** The first architecture on which a kernel can begin before those before it have ended. */
    static final int FIRST_THAT_OVERLAPS = 90;

    /** {@code c10::cuda::CUDAStream} in memory. */
    @Structure.FieldOrder({"deviceType", "deviceIndex", "id"})
    public static final class StreamObject extends Structure {
        public byte deviceType;
        public byte deviceIndex;
        public long id;
    }

    private CudaDriver() {}

    private static Function driverFunction(String name) {
        return LoadedLibrary.named("libcuda.so").getFunction(name);
    }

    /**
     * How many multiprocessors the device has.
     *
     * @throws UnsatisfiedLinkError when there is no driver
     */
    public static int multiprocessors() {
        return attribute(MULTIPROCESSORS);
    }

    /** The device's compute capability, such as 90. */
    public static int architecture() {
        return 10 * attribute(MAJOR) + attribute(MINOR);
    }

    private static int attribute(int which) {
        IntByReference device = new IntByReference();
        call("cuCtxGetDevice", device);
        IntByReference value = new IntByReference();
        call("cuDeviceGetAttribute", value, which, device.getValue());
        return value.getValue();
    }

    /**
     * The stream that libtorch's work of this thread goes to; null is the default stream.
     *
     * @throws UnsatisfiedLinkError when this libtorch does not tell
     */
    public static Pointer stream() {
        NativeLibrary cuda = LoadedLibrary.named("libc10_cuda.so");
        CudaGraph.Stream current = (CudaGraph.Stream) cuda.getFunction(CURRENT_STREAM).invoke(CudaGraph.Stream.class,
                new Object[]{(byte) -1});
        StreamObject object = new StreamObject();
        object.deviceType = current.deviceType;
        object.deviceIndex = current.deviceIndex;
        object.id = current.id;
        object.write();
        return cuda.getFunction(RAW_STREAM).invokePointer(new Object[]{object.getPointer()});
    }

    /** Waits until all work of the stream is done. */
    public static void await(Pointer stream) {
        call("cuStreamSynchronize", stream);
    }

    /**
     * Has a stream note that it has come so far.
     *
     * @param timed and when
     */
    static Pointer event(Pointer stream, boolean timed) {
        PointerByReference event = new PointerByReference();
        call("cuEventCreate", event, timed ? 0 : EVENT_WITHOUT_TIME);
        call("cuEventRecord", event.getValue(), stream);
        return event.getValue();
    }

    /** Between two that have been reached. */
    static double secondsBetween(Pointer first, Pointer second) {
        FloatByReference milliseconds = new FloatByReference();
        call("cuEventElapsedTime", milliseconds, first, second);
        return milliseconds.getValue() / 1e3;
    }

    static void closeEvent(Pointer event) {
        call("cuEventDestroy_v2", event);
    }

    /** A function of compiled code, which stays loaded until the process ends. */
    static Pointer function(byte[] cubin, String name) {
        try (Memory image = new Memory(cubin.length)) {
            image.write(0, cubin, 0, cubin.length);
            PointerByReference module = new PointerByReference();
            call("cuModuleLoadData", module, image);
            PointerByReference function = new PointerByReference();
            call("cuModuleGetFunction", function, module.getValue(), name);
            return function.getValue();
        }
    }

    /** CUlaunchConfig and its one attribute. */
    static Memory configuration(int threads, int sharedBytes, boolean overlaps) {
        Memory memory = new Memory(CONFIG_BYTES + ATTRIBUTE_BYTES);
        memory.clear();
        memory.setInt(CONFIG_BLOCK, threads);
        memory.setInt(CONFIG_BLOCK + 4, 1);
        memory.setInt(CONFIG_BLOCK + 8, 1);
        memory.setInt(CONFIG_SHARED, sharedBytes);
        memory.setPointer(CONFIG_ATTRIBUTES, memory.share(CONFIG_BYTES));
        memory.setInt(CONFIG_COUNT, overlaps ? 1 : 0);
        memory.setInt(CONFIG_BYTES, STREAM_SERIALIZATION);
        memory.setInt(CONFIG_BYTES + 8, 1);
        return memory;
    }

    /** A function needs leave for more shared memory than every device has. */
    static void allowShared(Pointer function, int bytes) {
        call("cuFuncSetAttribute", function, MOST_SHARED, bytes);
    }

    static void launch(Memory configuration, Pointer function, int x, int y, int z, @Nullable Pointer stream,
            Pointer arguments) {
        configuration.setInt(0, x);
        configuration.setInt(4, y);
        configuration.setInt(8, z);
        configuration.setPointer(CONFIG_STREAM, stream);
        CudaException.check(
                driverFunction("cuLaunchKernelEx")
                        .invokeInt(new Object[]{configuration, function, arguments, null}),
                "cuLaunchKernelEx");
    }

    static void call(String name, Object... arguments) {
        CudaException.check(driverFunction(name).invokeInt(arguments), name);
    }
}
