package dev.lockstep.mpj;

import mpjdev.Status;
import org.openucx.jucx.UcxCallback;
import org.openucx.jucx.ucp.UcpRequest;

/** A send or a receive over UCX, which goes on when UCX is through with a part of it. */
abstract class UcxOperation extends Operation {
    private final UcxWorker ucx;

    UcxOperation(UcxWorker ucx, Status status) {
        super(ucx, status);
        this.ucx = ucx;
    }

    final UcxWorker ucx() {
        return ucx;
    }

    /** UCX could not do a part of this. */
    void failed(String message) {
        fail("UCX failed: " + message);
    }

    interface Step {
        void after(long senderTag, int bytes);
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
}
