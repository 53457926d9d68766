package dev.lockstep.mpj;

import mpjbuf.Buffer;
import mpjdev.Status;
import org.openucx.jucx.ucp.UcpEndpoint;

/** A message on its way out. */
final class UcxSending extends UcxOperation {
    /**
     * A longer one is announced. UCX 1.13 sends up to about 8,200 bytes in one piece, and the request of a message in more
     * pieces that comes before it is waited for is lost.
     */
    static final int WHOLE = 8000;

    private final int self;
    private final UcpEndpoint endpoint;
    private final Memory message;
    private final Memory objects;
    private int left;

    /** @param self this rank */
    UcxSending(UcxWorker ucx, int self, UcpEndpoint endpoint, Buffer buffer, Status status) {
        super(ucx, status);
        this.self = self;
        this.endpoint = endpoint;
        this.message = Memory.written(buffer);
        byte[] serialized = buffer.getDynamicBuffer();
        this.objects = serialized == null ? Memory.NONE : Memory.copyOf(serialized);
    }

    boolean isWhole() {
        return message.length() <= WHOLE && objects.length() == 0;
    }

    void whole(long tag) {
        send(message.address(), message.length(), tag, (t, n) -> done());
    }

    /** @param number by which the receiver asks for it */
    void announced(long tag, long number, int offset) {
        boolean empty = message.length() < 2 * Integer.BYTES;
        Announcement announcement = new Announcement(number, message.length(), objects.length(),
                empty ? 0 : Memory.type(message.bytes(), offset),
                empty ? 0 : Memory.elements(message.bytes(), offset));
        Memory text = Memory.allocate(Announcement.LENGTH);
        announcement.write(text.bytes(), 0);
        // one for the announcement itself and one for the answer, whose pieces are counted then
        left = 2;
        ucx().worker().recvTaggedNonBlocking(text.address(), 0, Tags.ready(self, number), -1L,
                new Then((t, n) -> ucx().later(() -> send(Announcement.read(text.bytes(), 0)))));
        send(text.address(), text.length(), tag, (t, n) -> ended());
    }

    private void send(Announcement announcement) {
        left += announcement.pieces();
        announcement.eachPiece(message, objects, (address, length, index) -> send(address, length,
                Tags.piece(self, announcement.number(), index), (t, n) -> ended()));
        ended();
    }

    private void ended() {
        if (--left == 0) {
            done();
        }
    }

    private void send(long address, int length, long tag, Step then) {
        endpoint.sendTaggedNonBlocking(address, length, tag, new Then(then));
    }

    @Override
    void describe(Status into) {
        // the status of a send says nothing
    }
}
