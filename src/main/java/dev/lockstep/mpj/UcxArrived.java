package dev.lockstep.mpj;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxCallback;
import org.openucx.jucx.ucp.UcpRequest;
import org.openucx.jucx.ucp.UcpTagMessage;
import org.openucx.jucx.ucp.UcpWorker;
import xdev.XDevException;

/**
 * Messages that have been taken out of UCX before anyone receives them: those that a probe asks for, because UCX tells their
 * length but neither type nor number of elements, and those that pile up while a rank waits for others, because the memory that
 * UCX has them in is that of {@code /dev/shm}, which may be small. They come before what UCX still has.
 */
final class UcxArrived {
    /** As it came, with its 64 bits of tag. */
    record Message(long tag, ByteBuffer bytes) {}

    private final UcpWorker worker;
    private final Deque<Message> messages = new ArrayDeque<>();
    private Memory landing = Memory.allocate(UcxSending.WHOLE);

    UcxArrived(UcpWorker worker) {
        this.worker = worker;
    }

    /** @return the first that is wanted, or null; it stays */
    @Nullable
    Message look(long wanted, long mask) {
        for (Message each : messages) {
            if ((each.tag() & mask) == wanted) {
                return each;
            }
        }
        return take(wanted, mask) ? messages.peekLast() : null;
    }

    /** @return the first that is wanted and has been taken before, or null; it is gone then */
    @Nullable
    Message remove(long wanted, long mask) {
        for (Iterator<Message> all = messages.iterator(); all.hasNext();) {
            Message each = all.next();
            if ((each.tag() & mask) == wanted) {
                all.remove();
                return each;
            }
        }
        return null;
    }

    /** Leaves UCX none. */
    void takeAll() {
        boolean more = true;
        while (more) {
            more = take(Tags.ANY_MESSAGE, Tags.ANY_MESSAGE_MASK);
        }
    }

    private boolean take(long wanted, long mask) {
        UcpTagMessage message = worker.tagProbeNonBlocking(wanted, mask, true);
        if (message == null) {
            return false;
        }
        int length = (int) message.getRecvLength();
        Memory bytes = landing;
        boolean[] over = new boolean[1];
        worker.recvTaggedMessageNonBlocking(bytes.address(), bytes.length(), message, new UcxCallback() {
            @Override
            public void onSuccess(UcpRequest request) {
                byte[] copy = new byte[length];
                bytes.bytes().get(0, copy);
                messages.add(new Message(message.getSenderTag(), ByteBuffer.wrap(copy)));
                over[0] = true;
            }

            @Override
            public void onError(int code, String sentence) {
                throw new XDevException("UCX failed: " + sentence);
            }
        });
        if (!over[0]) { // a message of one piece is over at once, so this is for a UCX that cuts smaller ones
            landing = Memory.allocate(UcxSending.WHOLE);
        }
        return over[0];
    }
}
