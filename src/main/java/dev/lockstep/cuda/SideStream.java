package dev.lockstep.cuda;

import java.util.function.Consumer;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

/**
 * A stream for what the device does beside the work of another stream, and before it where both want the same multiprocessor.
 */
public final class SideStream implements AutoCloseable {
    private static final int NON_BLOCKING = 1;

    private final Pointer stream;

    /** @throws CudaException when the driver makes none */
    public SideStream() {
        IntByReference least = new IntByReference();
        IntByReference greatest = new IntByReference();
        CudaDriver.call("cuCtxGetStreamPriorityRange", least, greatest);
        PointerByReference made = new PointerByReference();
        CudaDriver.call("cuStreamCreateWithPriority", made, NON_BLOCKING, greatest.getValue());
        stream = made.getValue();
    }

    /** Work that was handed over, for which another stream is to wait once. */
    public static final class Handed {
        private final Pointer event;

        private Handed(Pointer event) {
            this.event = event;
        }

        /** Has what a stream is given from now on wait for it. */
        public void await(Pointer other) {
            CudaDriver.call("cuStreamWaitEvent", other, event, 0);
            CudaDriver.closeEvent(event);
        }
    }

    /** Hands over work that begins when another stream has done what it has been given until now. */
    public Handed after(Pointer other, Consumer<Pointer> work) {
        Pointer until = CudaDriver.event(other, false);
        CudaDriver.call("cuStreamWaitEvent", stream, until, 0);
        CudaDriver.closeEvent(until);
        work.accept(stream);
        return new Handed(CudaDriver.event(stream, false));
    }

    @Override
    public void close() {
        CudaDriver.call("cuStreamDestroy_v2", stream);
    }
}
