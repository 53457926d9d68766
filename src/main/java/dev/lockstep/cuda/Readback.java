package dev.lockstep.cuda;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/**
 * Words of the device's memory as they are at one point of a stream's work, to be read while what comes behind it is under
 * way. Not safe for use by several threads.
 */
public final class Readback implements AutoCloseable {
    private static final int WITHOUT_TIMES = 2;

    private final Pointer memory;
    private final Pointer event;

    /**
     * @param most words at a time
     * @throws UnsatisfiedLinkError when there is no driver
     * @throws CudaException        when it refuses the memory
     */
    public Readback(int most) {
        PointerByReference made = new PointerByReference();
        CudaDriver.call("cuMemHostAlloc", made, (long) most * Long.BYTES, 0);
        memory = made.getValue();
        CudaDriver.call("cuEventCreate", made, WITHOUT_TIMES);
        event = made.getValue();
    }

    /** Has the stream bring so many words from an address of the device's memory, behind all that it has to do. */
    public void order(Pointer stream, long address, int words) {
        CudaDriver.call("cuMemcpyDtoHAsync_v2", memory, address, (long) words * Long.BYTES, stream);
        CudaDriver.call("cuEventRecord", event, stream);
    }

    /** Waits until the words that were ordered last are there. */
    public long[] await(int words) {
        CudaDriver.call("cuEventSynchronize", event);
        return memory.getLongArray(0, words);
    }

    @Override
    public void close() {
        CudaDriver.call("cuEventDestroy_v2", event);
        CudaDriver.call("cuMemFreeHost", memory);
    }
}
