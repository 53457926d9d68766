package dev.lockstep.mpj;

import mpjbuf.Buffer;
import mpjbuf.Type;
import mpjdev.Request;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;
import xdev.XDevException;

/** A send or a receive, from its call until MPJ has been told that it is complete. */
abstract class Operation extends Request {
    private final Progress progress;
    private final Status status;
    private volatile boolean done;
    private volatile @Nullable String failure;
    private boolean told;

    Operation(Progress progress, Status status) {
        this.progress = progress;
        this.status = status;
    }

    final void done() {
        done = true;
        progress.news();
    }

    final void fail(String sentence) {
        failure = sentence;
        done();
    }

    /** Says in the status what has been received; that of a send says nothing. */
    abstract void describe(Status into);

    /**
     * What describes a message that is in its receiver's buffer.
     *
     * @param objects that came beside it, serialized
     */
    static void describe(Status into, RankDevice.Sender sender, Buffer buffer, byte @Nullable [] objects) {
        if (objects != null) {
            buffer.setDynamicBuffer(objects);
        }
        into.srcID = sender.name();
        into.tag = sender.tag();
        if (buffer.getSize() >= 2 * Integer.BYTES) {
            into.type = Type.getType(Memory.type(Memory.bytes(buffer), buffer.offset()));
            into.numEls = Memory.elements(Memory.bytes(buffer), buffer.offset());
        }
    }

    @Override
    public final Status iwait() {
        if (!done) {
            progress.until(() -> done);
        }
        if (failure != null) {
            throw new XDevException(failure);
        }
        if (!told) {
            told = true;
            describe(status);
            complete(status);
        }
        return status;
    }

    @Override
    public final @Nullable Status itest() {
        if (!done) {
            progress.once();
        }
        if (done) {
            return told ? null : status;
        }
        Progress.yieldProcessor(); // MPI.Waitany asks without end
        return null;
    }

    @Override
    public final void free() {
        // nothing is held
    }

    @Override
    public final boolean isnull() {
        return false;
    }

    @Override
    public final boolean cancel() {
        return false;
    }
}
