package dev.lockstep.mpj;

import java.nio.ByteBuffer;

import mpjbuf.Buffer;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;

/** A message on its way out over TCP. */
final class TcpSending extends Operation {
    private final ByteBuffer message;
    private final byte @Nullable [] objects;

    TcpSending(Progress progress, Buffer buffer, Status status) {
        super(progress, status);
        ByteBuffer whole = Memory.bytes(buffer);
        this.message = whole.slice(buffer.offset(), buffer.getSize()).order(whole.order());
        this.objects = buffer.getDynamicBuffer();
    }

    int length() {
        return Math.addExact(message.capacity(), objects == null ? 0 : objects.length);
    }

    TcpFrame frame(int kind, int context, int tag, long number) {
        boolean empty = message.capacity() < 2 * Integer.BYTES;
        return new TcpFrame(kind, context, tag, new Announcement(number, message.capacity(),
                objects == null ? 0 : objects.length, empty ? 0 : Memory.type(message, 0),
                empty ? 0 : Memory.elements(message, 0)));
    }

    /** All of it. */
    ByteBuffer[] parts() {
        return objects == null
                ? new ByteBuffer[]{message.duplicate()}
                : new ByteBuffer[]{message.duplicate(), ByteBuffer.wrap(objects)};
    }

    byte[] copy() {
        byte[] copy = new byte[length()];
        message.get(0, copy, 0, message.capacity());
        if (objects != null) {
            System.arraycopy(objects, 0, copy, message.capacity(), objects.length);
        }
        return copy;
    }

    @Override
    void describe(Status into) {
        // the status of a send says nothing
    }
}
