package dev.lockstep.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.LongByReference;

/**
 * Memory of this rank's GPU, all zeros to begin with, that other processes of the host can open where the system lets them.
 * It lasts as long as the process, since nobody knows when the last of them has done with it.
 */
public final class PeerMemory {
    /** So many bytes, which one rank gives the others. */
    private static final int HANDLE_BYTES = 64;
    private static final int LAZY_ENABLE_PEER_ACCESS = 1;
    private static final int WAIT_AT_LEAST = 0;

    /** {@code CUipcMemHandle}, which is passed by value. */
    @Structure.FieldOrder("reserved")
    public static final class Handle extends Structure implements Structure.ByValue {
        public byte[] reserved = new byte[HANDLE_BYTES];
    }

    private final long address;

    /**
     * @throws UnsatisfiedLinkError when there is no driver
     * @throws CudaException        when there is not so much left
     */
    public PeerMemory(long bytes) {
        LongByReference made = new LongByReference();
        CudaDriver.call("cuMemAlloc_v2", made, bytes);
        address = made.getValue();
        CudaDriver.call("cuMemsetD8_v2", address, (byte) 0, bytes);
        CudaDriver.call("cuCtxSynchronize");
    }

    /** Where it is for this process. */
    public long address() {
        return address;
    }

    /**
     * What others open it by.
     *
     * @throws CudaException where the device's memory cannot be shared
     */
    public byte[] handle() {
        try (Memory handle = new Memory(HANDLE_BYTES)) {
            CudaDriver.call("cuIpcGetMemHandle", handle, address);
            return handle.getByteArray(0, HANDLE_BYTES);
        }
    }

    /**
     * Opens another rank's.
     *
     * @return where it is for this process
     * @throws CudaException when it cannot be reached from this rank's GPU
     */
    public static long open(byte[] handle) {
        Handle theirs = new Handle();
        System.arraycopy(handle, 0, theirs.reserved, 0, HANDLE_BYTES);
        LongByReference opened = new LongByReference();
        CudaDriver.call("cuIpcOpenMemHandle_v2", opened, theirs, LAZY_ENABLE_PEER_ACCESS);
        return opened.getValue();
    }

    /** Has a stream copy from this rank's memory to another's, or the other way round. */
    public static void copy(Pointer stream, long from, long to, long bytes) {
        CudaDriver.call("cuMemcpyDtoDAsync_v2", to, from, bytes, stream);
    }

    /** Has a stream set a word of another's memory, after all that it has copied there. */
    public static void tell(Pointer stream, long address, int number) {
        CudaDriver.call("cuStreamWriteValue32_v2", stream, address, number, 0);
    }

    /** Has a stream wait until a word of this rank's memory is so much or more, its next 2^31 values being more. */
    public static void awaitTold(Pointer stream, long address, int number) {
        CudaDriver.call("cuStreamWaitValue32_v2", stream, address, number, WAIT_AT_LEAST);
    }

    /** Writes bytes to an address of the device's memory, and waits until they are there. */
    public static void write(long address, byte[] bytes) {
        try (Memory from = new Memory(bytes.length)) {
            from.write(0, bytes, 0, bytes.length);
            CudaDriver.call("cuMemcpyHtoD_v2", address, from, (long) bytes.length);
        }
    }

    /** Reads bytes from an address of the device's memory, when all work of the device is done. */
    public static byte[] read(long address, int count) {
        try (Memory to = new Memory(count)) {
            CudaDriver.call("cuCtxSynchronize");
            CudaDriver.call("cuMemcpyDtoH_v2", to, address, (long) count);
            return to.getByteArray(0, count);
        }
    }
}
