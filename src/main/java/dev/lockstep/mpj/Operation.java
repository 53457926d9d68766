package dev.lockstep.mpj;

import mpjdev.Request;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxCallback;
import org.openucx.jucx.ucp.UcpRequest;
import xdev.XDevException;

/** A send or a receive, from its call until MPJ has been told that it is complete. */
abstract class Operation extends Request {
    private final UcxWorker ucx;
    private final Status status;
    private volatile boolean done;
    private volatile @Nullable String failure;
    private boolean told;

    Operation(UcxWorker ucx, Status status) {
        this.ucx = ucx;
        this.status = status;
    }

    final UcxWorker ucx() {
        return ucx;
    }

    final Status status() {
        return status;
    }

    final void done() {
        done = true;
    }

    final void fail(String sentence) {
        failure = sentence;
        done = true;
    }

    /** Says in the status what has been received. */
    abstract void describe();

    @Override
    public final Status iwait() {
        if (!done) {
            ucx.enter();
            try {
                ucx.await(() -> done);
            } finally {
                ucx.leave();
            }
        }
        if (failure != null) {
            throw new XDevException(failure);
        }
        if (!told) {
            told = true;
            describe();
            complete(status);
        }
        return status;
    }

    @Override
    public final @Nullable Status itest() {
        if (!done) {
            ucx.enter();
            try {
                ucx.step();
            } finally {
                ucx.leave();
            }
        }
        if (done) {
            return told ? null : status;
        }
        UcxWorker.yieldProcessor(); // MPI.Waitany asks without end
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

    /** What follows when UCX is through with a part of this operation. */
    final class Then extends UcxCallback {
        private final Step step;

        Then(Step step) {
            this.step = step;
        }

        @Override
        public void onSuccess(UcpRequest request) {
            step.after(request.getSenderTag(), (int) request.getRecvSize());
        }

        @Override
        public void onError(int code, String message) {
            failed(message);
        }
    }

    /** UCX could not do a part of this. */
    void failed(String message) {
        fail("UCX failed: " + message);
    }

    interface Step {
        void after(long senderTag, int bytes);
    }
}
