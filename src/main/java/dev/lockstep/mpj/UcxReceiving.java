package dev.lockstep.mpj;

import java.nio.ByteBuffer;

import mpjbuf.Buffer;
import mpjdev.Status;
import org.openucx.jucx.ucp.UcpTagMessage;

/** A message that is waited for. */
final class UcxReceiving extends UcxOperation {
    private final RankDevice device;
    private final Buffer buffer;
    private final ByteBuffer target;
    private final boolean own; // UCX cannot write into the program's memory
    private final Memory memory;
    private Memory objects = Memory.NONE;
    private long senderTag;
    private int left;

    /**
     * @param device   knows the ranks' names
     * @param status to be filled
     */
    UcxReceiving(RankDevice device, UcxWorker ucx, Buffer buffer, Status status) {
        super(ucx, status);
        this.device = device;
        this.buffer = buffer;
        this.target = Memory.bytes(buffer);
        int room = target.capacity() - buffer.offset();
        // what UCX writes may be an announcement
        this.own = !target.isDirect() || room < Announcement.LENGTH;
        this.memory = own
                ? Memory.allocate(Math.max(room, Announcement.LENGTH))
                : Memory.of(target, buffer.offset(), room);
    }

    /**
     * Takes the next message with such a tag. One that UCX has already is taken by what UCX tells of it beforehand: at the
     * end of a receive that is over at once, the binding tells neither sender nor length.
     */
    void next(long wanted, long mask) {
        UcpTagMessage here = ucx().worker().tagProbeNonBlocking(wanted, mask, true);
        if (here == null) {
            ucx().worker().recvTaggedNonBlocking(memory.address(), memory.length(), wanted, mask, new Then(this::take));
        } else {
            ucx().worker().recvTaggedMessageNonBlocking(memory.address(), memory.length(), here,
                    new Then((t, n) -> take(here.getSenderTag(), (int) here.getRecvLength())));
        }
    }

    /** Takes a message that is here already. */
    void found(long tag, ByteBuffer bytes) {
        if (bytes.capacity() > memory.length()) {
            isTooLong();
        } else {
            memory.bytes().put(start(), bytes, 0, bytes.capacity());
            take(tag, bytes.capacity());
        }
    }

    private int start() {
        return own ? 0 : buffer.offset();
    }

    private int room() {
        return target.capacity() - buffer.offset();
    }

    private void take(long tag, int bytes) {
        senderTag = tag;
        if (!Tags.isAnnounced(tag)) {
            ended(bytes);
            return;
        }
        Announcement announcement = Announcement.read(memory.bytes(), start());
        if (announcement.bytes() > room()) {
            fail("a message of " + announcement.bytes() + " bytes has come for a receive that has room for " + room());
            return;
        }
        ucx().later(() -> ask(announcement));
    }

    /** The sender sends nothing before all of it is waited for. */
    private void ask(Announcement announcement) {
        int from = Tags.rank(senderTag);
        left = announcement.pieces() + 1;
        if (announcement.objects() > 0) {
            objects = Memory.allocate(announcement.objects());
        }
        announcement.eachPiece(memory, objects,
                (address, length, index) -> ucx().worker().recvTaggedNonBlocking(address,
                        length, Tags.piece(from, announcement.number(), index), -1L,
                        new Then((t, n) -> part(announcement))));
        ucx().endpoint(from).sendTaggedNonBlocking(memory.address(), 0, Tags.ready(from, announcement.number()),
                new Then((t, n) -> part(announcement)));
    }

    private void part(Announcement announcement) {
        if (--left == 0) {
            ended(announcement.bytes());
        }
    }

    private void ended(int bytes) {
        if (bytes > room()) {
            isTooLong();
            return;
        }
        if (own) {
            target.put(buffer.offset(), memory.bytes(), 0, bytes);
        }
        buffer.setSize(bytes);
        done();
    }

    @Override
    void describe(Status into) {
        byte[] serialized = null;
        if (objects.length() > 0) {
            serialized = new byte[objects.length()];
            objects.bytes().get(0, serialized);
        }
        describe(into, device.sender(Tags.rank(senderTag), Tags.tag(senderTag)), buffer, serialized);
    }

    private void isTooLong() {
        fail("a message has come that is longer than the " + room() + " bytes that a receive has room for");
    }

    @Override
    void failed(String message) {
        if (message.contains("truncated")) {
            isTooLong();
        } else {
            super.failed(message);
        }
    }
}
