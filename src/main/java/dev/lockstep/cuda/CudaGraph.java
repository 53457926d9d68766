package dev.lockstep.cuda;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.LoadedLibrary;

/**
 * Work on a GPU that was recorded once and is replayed with one call, by libtorch's own {@code at::cuda::CUDAGraph}. It
 * has no C interface and DJL does not offer it, so its members are called by their mangled names; all of those are here.
 * Recording needs a stream other than the default one, which {@link #usePoolStream} sets for the calling thread.
 */
public final class CudaGraph implements AutoCloseable {
    private static final String GET_STREAM = "_ZN3c104cuda17getStreamFromPoolEia";
    private static final String SET_STREAM = "_ZN3c104cuda20setCurrentCUDAStreamENS0_10CUDAStreamE";
    private static final String CONSTRUCTOR = "_ZN2at4cuda9CUDAGraphC1Eb";
    // before torch 2.8
    private static final String CONSTRUCTOR_WITHOUT_ARGUMENT = "_ZN2at4cuda9CUDAGraphC1Ev";
    private static final String BEGIN = "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode";
    private static final String END = "_ZN2at4cuda9CUDAGraph11capture_endEv";
    private static final String POOL = "_ZN2at4cuda9CUDAGraph4poolEv";
    private static final String REPLAY = "_ZN2at4cuda9CUDAGraph6replayEv";
    private static final String DESTRUCTOR = "_ZN2at4cuda9CUDAGraphD1Ev";
    private static final int THREAD_LOCAL_MODE = 1;
    // the object is some hundred bytes; this is room for every release's
    private static final int OBJECT_BYTES = 16 << 10;
    private static final int ALIGNMENT = 64;

    /** {@code c10::cuda::CUDAStream}, passed in registers. */
    @Structure.FieldOrder({"deviceType", "deviceIndex", "id"})
    public static final class Stream extends Structure implements Structure.ByValue {
        public byte deviceType;
        public byte deviceIndex;
        public long id;
    }

    /** {@code c10::MempoolId_t}: which memory a recording takes its tensors from. */
    @Structure.FieldOrder({"first", "second"})
    public static final class Pool extends Structure implements Structure.ByValue {
        public long first;
        public long second;
    }

    // keeps the object's memory alive
    private final Memory memory;
    private final Pointer graph;
    private final Object[] self;
    private final Function replay;

    private CudaGraph(NativeLibrary torch) {
        memory = new Memory(OBJECT_BYTES + ALIGNMENT);
        memory.clear();
        graph = memory.share((ALIGNMENT - Pointer.nativeValue(memory) % ALIGNMENT) % ALIGNMENT);
        self = new Object[]{graph};
        replay = torch.getFunction(REPLAY);
    }

    /**
     * Has this thread's work go to a stream of libtorch's pool.
     *
     * @throws UnsatisfiedLinkError when this libtorch has no such function
     */
    public static void usePoolStream() {
        NativeLibrary cuda = LoadedLibrary.named("libc10_cuda.so");
        Object stream = cuda.getFunction(GET_STREAM).invoke(Stream.class, new Object[]{0, (byte) 0});
        cuda.getFunction(SET_STREAM).invoke(Void.class, new Object[]{stream});
    }

    /**
     * Records what {@code work} does on the GPU, without doing it. The work must not wait for the GPU.
     *
     * @param sharer a graph that is never replayed at the same time, whose memory this one may use too; or null
     * @throws UnsatisfiedLinkError when this libtorch has no such class
     */
    public static CudaGraph record(@Nullable CudaGraph sharer, Runnable work) {
        NativeLibrary torch = LoadedLibrary.named("libtorch_cuda.so");
        CudaGraph recorded = new CudaGraph(torch);
        recorded.construct(torch);
        Pool pool = sharer == null
                ? new Pool()
                : (Pool) torch.getFunction(POOL).invoke(Pool.class, new Object[]{sharer.graph});
        torch.getFunction(BEGIN).invoke(Void.class, new Object[]{recorded.graph, pool, THREAD_LOCAL_MODE});
        try {
            work.run();
        } finally {
            torch.getFunction(END).invoke(Void.class, recorded.self);
        }
        return recorded;
    }

    private void construct(NativeLibrary torch) {
        try {
            torch.getFunction(CONSTRUCTOR).invoke(Void.class, new Object[]{graph, (byte) 0});
        } catch (UnsatisfiedLinkError e) {
            torch.getFunction(CONSTRUCTOR_WITHOUT_ARGUMENT).invoke(Void.class, self);
        }
    }

    /** Does the recorded work once; returns as soon as it is handed to the GPU. */
    public void replay() {
        replay.invoke(Void.class, self);
    }

    @Override
    public void close() {
        LoadedLibrary.named("libtorch_cuda.so").getFunction(DESTRUCTOR).invoke(Void.class, self);
        memory.close();
    }
}
