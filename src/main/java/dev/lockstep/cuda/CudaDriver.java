package dev.lockstep.cuda;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

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

    static void launch(Pointer function, int x, int y, int z, int threads, Pointer stream, Pointer arguments) {
        CudaException.check(
                driverFunction("cuLaunchKernel")
                        .invokeInt(new Object[]{function, x, y, z, threads, 1, 1, 0, stream, arguments, null}),
                "cuLaunchKernel");
    }

    static void call(String name, Object... arguments) {
        CudaException.check(driverFunction(name).invokeInt(arguments), name);
    }
}
