package dev.lockstep.mpj;

import java.nio.ByteBuffer;

import mpjbuf.Buffer;
import mpjdev.Status;
import org.jspecify.annotations.Nullable;

/** A message that is waited for over TCP. */
final class TcpReceiving extends Operation {
    private final RankDevice device;
    private final int from;
    private final int tag;
    private final int context;
    private final Buffer buffer;
    private int sender;
    private int senderTag;
    private byte @Nullable [] objects;

    /** @param from {@link RankDevice#ANY} too, as the tag */
    TcpReceiving(RankDevice device, Buffer buffer, int from, int tag, int context, Status status) {
        super(device.progress(), status);
        this.device = device;
        this.from = from;
        this.tag = tag;
        this.context = context;
        this.buffer = buffer;
    }

    int from() {
        return from;
    }

    boolean wants(TcpArrival message) {
        return Matching.wants(message, from, tag, context);
    }

    /**
     * Begins to take a message.
     *
     * @return where its bytes go, and then its objects; none: it is longer than the receive, which has failed
     */
    ByteBuffer @Nullable [] takes(TcpArrival message) {
        Announcement what = message.frame().what();
        ByteBuffer target = Memory.bytes(buffer).duplicate().clear();
        int room = target.capacity() - buffer.offset();
        if (what.bytes() > room) {
            fail("a message of " + what.bytes() + " bytes has come for a receive that has room for " + room);
            return null;
        }
        sender = message.from();
        senderTag = message.frame().tag();
        buffer.setSize(what.bytes());
        target.position(buffer.offset()).limit(buffer.offset() + what.bytes());
        if (what.objects() == 0) {
            return new ByteBuffer[]{target};
        }
        objects = new byte[what.objects()];
        return new ByteBuffer[]{target, ByteBuffer.wrap(objects)};
    }

    /** Takes a message that is here, or asks for one that is not. */
    void take(TcpArrival message) {
        ByteBuffer[] places = takes(message);
        byte[] bytes = message.bytes();
        TcpSending own = message.own();
        TcpConnection connection = message.connection();
        if (bytes != null && places != null) {
            int at = 0;
            for (ByteBuffer place : places) {
                int length = place.remaining();
                place.put(bytes, at, length);
                at += length;
            }
            done();
        } else if (own != null) {
            if (places != null) {
                ByteBuffer[] parts = own.parts();
                for (int i = 0; i < places.length; i++) {
                    places[i].put(parts[i]);
                }
                done();
            }
            own.done();
        } else if (bytes == null && places != null && connection != null) {
            connection.ask(message.frame(), this, places);
        }
    }

    @Override
    void describe(Status into) {
        describe(into, device.sender(sender, senderTag), buffer, objects);
    }
}
