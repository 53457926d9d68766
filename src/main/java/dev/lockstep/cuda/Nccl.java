package dev.lockstep.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.djl.LoadedLibrary;

/**
 * What NCCL does between the GPUs of some ranks: every call is handed to a stream, in which it waits for the other ranks'.
 * Addresses are of memory of the calling thread's device, counts are of elements. The communicator lasts as long as the
 * process: to give it back NCCL would wait for ranks that may be gone.
 */
public final class Nccl {
    /** So many bytes, which one rank makes and all begin with. */
    public static final int ID_BYTES = 128;

    private static final Logger LOG = LoggerFactory.getLogger(Nccl.class);
    private static final String NAME = "libnccl.so.2";
    private static final int SUCCESS = 0;
    private static final int IN_PROGRESS = 7;
    private static final long POLL_MILLIS = 200;
    private static @Nullable NativeLibrary library; // once it is found

    /** Types of elements, with the numbers of {@code ncclDataType_t}. */
    public enum Type {
        INT8(0), UINT8(1), INT32(2), INT64(4), FLOAT16(6), FLOAT32(7), FLOAT64(8), BFLOAT16(9);

        private final int code;

        Type(int code) {
            this.code = code;
        }
    }

    /** How elements are combined, in the order of {@code ncclRedOp_t}. */
    public enum Reduction {
        SUM, PROD, MAX, MIN, AVG
    }

    /** {@code ncclUniqueId}, which is passed by value. */
    @Structure.FieldOrder("internal")
    public static final class UniqueId extends Structure implements Structure.ByValue {
        public byte[] internal = new byte[ID_BYTES];
    }

    private final NativeLibrary nccl;
    private final Pointer communicator;

    /**
     * Joins the ranks; waits until all have come.
     *
     * @param id what {@link #newId} gave one of them
     * @throws CudaException when NCCL refuses or cannot connect them
     */
    public Nccl(byte[] id, int size, int rank) {
        nccl = library();
        UniqueId all = new UniqueId();
        System.arraycopy(id, 0, all.internal, 0, ID_BYTES);
        PointerByReference made = new PointerByReference();
        check(nccl, null, nccl.getFunction("ncclCommInitRank").invokeInt(new Object[]{made, size, all, rank}),
                "ncclCommInitRank");
        communicator = made.getValue();
        Thread poller = new Thread(this::poll, "lockstep-nccl");
        poller.setDaemon(true);
        poller.start();
    }

    /**
     * Made by one rank, for all.
     *
     * @throws CudaException when there is no NCCL, with a sentence that says what to install
     */
    public static byte[] newId() {
        NativeLibrary nccl = library();
        try (Memory id = new Memory(ID_BYTES)) {
            check(nccl, null, nccl.getFunction("ncclGetUniqueId").invokeInt(new Object[]{id}), "ncclGetUniqueId");
            return id.getByteArray(0, ID_BYTES);
        }
    }

    /** NCCL's release, such as 22809 for 2.28.9. */
    public static int version() {
        NativeLibrary nccl = library();
        IntByReference version = new IntByReference();
        check(nccl, null, nccl.getFunction("ncclGetVersion").invokeInt(new Object[]{version}), "ncclGetVersion");
        return version.getValue();
    }

    public void allReduce(Pointer from, Pointer to, long count, Type type, Reduction op, Pointer stream) {
        if (!Launches.goes("ncclAllReduce", 0, 0)) {
            return;
        }
        call("ncclAllReduce", from, to, count, type.code, op.ordinal(), communicator, stream);
    }

    public void broadcast(Pointer from, Pointer to, long count, Type type, int root, Pointer stream) {
        call("ncclBroadcast", from, to, count, type.code, root, communicator, stream);
    }

    /** @param count of what each rank gives */
    public void allGather(Pointer from, Pointer to, long count, Type type, Pointer stream) {
        if (!Launches.goes("ncclAllGather", 0, 0)) {
            return;
        }
        call("ncclAllGather", from, to, count, type.code, communicator, stream);
    }

    /** @param count of what each rank gets */
    public void reduceScatter(Pointer from, Pointer to, long count, Type type, Reduction op, Pointer stream) {
        call("ncclReduceScatter", from, to, count, type.code, op.ordinal(), communicator, stream);
    }

    public void reduce(Pointer from, Pointer to, long count, Type type, Reduction op, int root, Pointer stream) {
        call("ncclReduce", from, to, count, type.code, op.ordinal(), root, communicator, stream);
    }

    public void send(Pointer from, long count, Type type, int to, Pointer stream) {
        call("ncclSend", from, count, type.code, to, communicator, stream);
    }

    public void receive(Pointer to, long count, Type type, int from, Pointer stream) {
        call("ncclRecv", to, count, type.code, from, communicator, stream);
    }

    /** Has all calls that some work makes go on at the same time, so that none waits in the stream for another. */
    public void together(Runnable calls) {
        call("ncclGroupStart");
        try {
            calls.run();
        } finally {
            call("ncclGroupEnd");
        }
    }

    /** What goes wrong in a stream nobody is told; the exception of this thread ends the rank, and so the job. */
    private void poll() {
        IntByReference error = new IntByReference();
        while (true) {
            call("ncclCommGetAsyncError", communicator, error);
            if (error.getValue() != SUCCESS && error.getValue() != IN_PROGRESS) {
                throw new CudaException("NCCL between the ranks' GPUs has failed: "
                        + text(nccl, communicator, error.getValue()));
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                return; // nobody interrupts this thread
            }
        }
    }

    private void call(String name, Object... arguments) {
        check(nccl, communicator, nccl.getFunction(name).invokeInt(arguments), name);
    }

    private static void check(NativeLibrary nccl, @Nullable Pointer communicator, int answer, String call) {
        if (answer != SUCCESS && answer != IN_PROGRESS) {
            throw new CudaException("NCCL cannot do " + call + ": " + text(nccl, communicator, answer));
        }
    }

    private static String text(NativeLibrary nccl, @Nullable Pointer communicator, int answer) {
        String text = nccl.getFunction("ncclGetErrorString").invokeString(new Object[]{answer}, false);
        try {
            // since 2.13
            String last = nccl.getFunction("ncclGetLastError").invokeString(new Object[]{communicator}, false);
            return last == null || last.isBlank() ? text : text + ": " + last.strip();
        } catch (UnsatisfiedLinkError e) {
            return text;
        }
    }

    /** Torch's own first, if it has one, which is of the release that fits; then the system's. */
    private static synchronized NativeLibrary library() {
        NativeLibrary found = library;
        if (found == null) {
            found = find();
            library = found;
        }
        return found;
    }

    private static NativeLibrary find() {
        Path torch = LoadedLibrary.directory("libtorch_cuda.so");
        List<Path> places = List.of(torch, torch.resolve("../../nvidia/nccl/lib"), torch.resolve("../nvidia/nccl/lib"));
        Optional<String> beside = places.stream().map(place -> place.resolve(NAME)).filter(Files::exists)
                .map(Nccl::real).findFirst();
        try {
            // not every machine is set up for NVLink's multicast; who knows that theirs is sets the variable to 1
            DjlLibraries.setVariable("NCCL_NVLS_ENABLE", "0");
            return NativeLibrary.getInstance(beside.orElse(NAME), Map.of());
        } catch (UnsatisfiedLinkError e) {
            LOG.debug("{}", beside.orElse(NAME), e);
            throw new CudaException("arrays on GPUs go between ranks by NCCL, and " + NAME + " is neither in "
                    + places.get(0) + " or " + places.get(1).normalize() + " nor among the system's libraries: install "
                    + "the package libnccl2, or Python's nvidia-nccl-cu12 (cu13 for CUDA 13) beside torch");
        }
    }

    private static String real(Path file) {
        try {
            return file.toRealPath().toString();
        } catch (IOException e) {
            return file.toString();
        }
    }
}
