package dev.lockstep.mpj;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

/** All that goes between this rank and one other, both ways. One thread reads at a time, any may write. */
final class TcpConnection {
    /** A message of up to so many bytes goes in one piece with its frame, and its sender never waits. */
    private static final int SMALL = 16 << 10;
    /** What is longer is read to where it belongs. */
    private static final int INPUT = 64 << 10;
    /**
     * The launcher sees a rank's end as soon as its peers do, and says better what it was; so long it is left to that. A
     * connection can break by itself too.
     */
    private static final long LAUNCHERS_NANOS = TimeUnit.SECONDS.toNanos(3);

    /** What the socket has not taken yet; the message is done with it, if there is one. */
    private record Outgoing(ByteBuffer[] parts, @Nullable TcpSending message) {
        /** @return whether all of it is written */
        boolean write(ByteChannel stream) throws IOException {
            for (ByteBuffer part : parts) {
                while (part.hasRemaining()) {
                    if (stream.write(part) == 0) {
                        return false;
                    }
                }
            }
            if (message != null) {
                message.done();
            }
            return true;
        }
    }

    /** A message that is asked for, and where it goes. */
    private record Asked(TcpReceiving receiving, ByteBuffer[] places) {}

    private final int peer;
    private final SocketChannel channel;
    private final @Nullable Tls tls;
    private final ByteChannel stream; // through it, where there is one
    private final TcpReader reader;
    private final Matching matching;
    private final SelectionKey key;

    // of whoever reads
    private final ByteBuffer in = ByteBuffer.allocateDirect(INPUT).flip();
    private ByteBuffer[] places = {};
    private int place;
    private @Nullable TcpReceiving receiving; // of what comes into the places; null: nobody waits for it, or did
    private @Nullable TcpArrival arriving; // likewise
    private boolean finished;

    // of whoever has its monitor
    private final Deque<Outgoing> queue = new ArrayDeque<>();
    private final ByteBuffer small = ByteBuffer.allocateDirect(TcpFrame.LENGTH + SMALL);
    private @Nullable String failure;

    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, TcpSending> announced = new ConcurrentHashMap<>();
    private final Map<Long, Asked> asked = new ConcurrentHashMap<>();
    private boolean lost;

    /** @param tls null: nothing is encrypted */
    TcpConnection(int peer, SocketChannel channel, @Nullable Tls tls, TcpReader reader, Matching matching)
            throws IOException {
        this.peer = peer;
        this.channel = channel;
        this.tls = tls;
        this.stream = tls == null ? channel : tls;
        this.reader = reader;
        this.matching = matching;
        this.key = reader.add(channel, this);
    }

    /** From now on what comes is read. */
    void begin() {
        reader.begin(key);
    }

    int peer() {
        return peer;
    }

    /** By which the receiver may ask for the message. */
    long announce(TcpSending message) {
        long number = numbers.getAndIncrement();
        announced.put(number, message);
        return number;
    }

    /** Asks for an announced message. */
    void ask(TcpFrame frame, TcpReceiving by, ByteBuffer[] into) {
        long number = frame.what().number();
        asked.put(number, new Asked(by, into));
        send(TcpFrame.ready(number), null);
    }

    /** @param message follows the frame; null: the frame says it all */
    void send(TcpFrame frame, @Nullable TcpSending message) {
        synchronized (queue) {
            if (failure == null) {
                try {
                    write(frame, message);
                    writeLater();
                } catch (IOException e) {
                    lost(reason(e));
                }
            } else if (message != null) {
                message.fail(failure);
            }
        }
    }

    private void write(TcpFrame frame, @Nullable TcpSending message) throws IOException {
        if (message != null && message.length() > SMALL) {
            ByteBuffer[] parts = message.parts();
            ByteBuffer[] all = new ByteBuffer[parts.length + 1];
            all[0] = ByteBuffer.allocate(TcpFrame.LENGTH);
            frame.write(all[0]);
            all[0].flip();
            System.arraycopy(parts, 0, all, 1, parts.length);
            Outgoing whole = new Outgoing(all, message);
            queue.add(whole);
            if (queue.size() == 1 && whole.write(stream)) {
                queue.remove();
            }
            return;
        }
        small.clear();
        frame.write(small);
        if (message != null) {
            for (ByteBuffer part : message.parts()) {
                small.put(part);
            }
        }
        small.flip();
        while (queue.isEmpty() && small.hasRemaining() && stream.write(small) > 0) {
            // as much as it takes
        }
        if (small.hasRemaining()) {
            ByteBuffer rest = ByteBuffer.allocate(small.remaining()).put(small).flip();
            queue.add(new Outgoing(new ByteBuffer[]{rest}, null));
        }
        if (message != null) {
            message.done();
        }
    }

    /** Writes what the socket takes now. */
    void flush() {
        synchronized (queue) {
            try {
                while (!queue.isEmpty() && queue.element().write(stream)) {
                    queue.remove();
                }
                if (isWritten() && key.isValid()) {
                    key.interestOpsAnd(~SelectionKey.OP_WRITE);
                }
            } catch (IOException e) {
                lost(reason(e));
            }
        }
    }

    /** Whether all that was sent is written, or never will be. */
    boolean isFlushed() {
        synchronized (queue) {
            try {
                return lost || isWritten();
            } catch (IOException e) {
                return true;
            }
        }
    }

    private boolean isWritten() throws IOException {
        return queue.isEmpty() && (tls == null || tls.flush());
    }

    private void writeLater() throws IOException {
        if (!isWritten() && key.isValid()) {
            reader.wantsToWrite(key);
        }
    }

    /** Takes what has come. */
    void read() {
        try {
            boolean more = true;
            while (more) {
                takeIn();
                more = fill();
            }
            takeIn();
            if (tls != null) {
                synchronized (queue) {
                    writeLater(); // what was read may be to be answered
                }
            }
        } catch (IOException e) {
            lost(reason(e));
        }
    }

    /** @return whether more may have come than was read */
    private boolean fill() throws IOException {
        int room;
        int count;
        boolean large = place < places.length && places[place].remaining() >= INPUT;
        if (large) {
            room = places[place].remaining(); // all that was in the input has been put there
            count = stream.read(places[place]);
        } else {
            in.compact();
            room = in.remaining();
            count = stream.read(in);
            in.flip();
        }
        if (count < 0) {
            throw new IOException("its connection has ended");
        }
        return count == room || large && count > 0; // of what is large more is about to come
    }

    /** Puts what has been read where it belongs. */
    private void takeIn() throws IOException {
        while (true) {
            for (; place < places.length; place++) {
                ByteBuffer to = places[place];
                int count = Math.min(in.remaining(), to.remaining());
                to.put(to.position(), in, in.position(), count).position(to.position() + count);
                in.position(in.position() + count);
                if (to.hasRemaining()) {
                    return;
                }
            }
            landed();
            if (in.remaining() < TcpFrame.LENGTH) {
                return;
            }
            begin(TcpFrame.read(in));
        }
    }

    private void landed() {
        places = new ByteBuffer[0];
        place = 0;
        TcpReceiving complete = receiving;
        TcpArrival here = arriving;
        receiving = null;
        arriving = null;
        if (complete != null) {
            complete.done();
        } else if (here != null) {
            TcpReceiving since = matching.came(here);
            if (since != null) {
                since.take(here);
            }
        }
    }

    private void begin(TcpFrame frame) throws IOException {
        long number = frame.what().number();
        switch (frame.kind()) {
            case TcpFrame.WHOLE -> {
                TcpArrival message = TcpArrival.by(this, frame);
                TcpReceiving waits = matching.arrive(message);
                byte[] unexpected = message.bytes();
                if (waits == null && unexpected != null) {
                    reader.news(); // for a probe
                    arriving = message;
                    places = new ByteBuffer[]{ByteBuffer.wrap(unexpected)};
                } else if (waits != null) {
                    begin(waits, waits.takes(message), frame.what());
                }
            }
            case TcpFrame.ANNOUNCED -> {
                TcpArrival message = TcpArrival.by(this, frame);
                TcpReceiving waits = matching.arrive(message);
                if (waits == null) {
                    reader.news();
                } else {
                    waits.take(message);
                }
            }
            case TcpFrame.READY -> {
                TcpSending message = announced.remove(number);
                if (message == null) {
                    throw new IOException("it asks for a message that was not announced");
                }
                send(message.frame(TcpFrame.ASKED, 0, 0, number), message);
            }
            case TcpFrame.ASKED -> {
                Asked wanted = asked.remove(number);
                if (wanted == null) {
                    throw new IOException("it sends a message that was not asked for");
                }
                begin(wanted.receiving(), wanted.places(), frame.what());
            }
            case TcpFrame.BYE -> finished = true;
            default -> throw new IOException("it does not speak as this rank does");
        }
    }

    /** @param into null: it is too long, and the receive has failed; its bytes come all the same */
    private void begin(TcpReceiving by, ByteBuffer @Nullable [] into, Announcement what) {
        if (into == null) {
            places = new ByteBuffer[]{ByteBuffer.allocate(what.bytes()), ByteBuffer.allocate(what.objects())};
        } else {
            receiving = by;
            places = into;
        }
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private void lost(String reason) {
        synchronized (queue) {
            if (lost) {
                return;
            }
            lost = true;
        }
        key.cancel();
        try {
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
        String sentence = "rank " + peer + (finished ? " has finished" : " is gone: " + reason);
        Thread thread = new Thread(() -> {
            long until = System.nanoTime() + LAUNCHERS_NANOS;
            while (!finished && System.nanoTime() < until) {
                LockSupport.parkNanos(until - System.nanoTime());
            }
            fail(sentence);
        }, "lockstep-lost");
        thread.setDaemon(true);
        thread.start();
    }

    private void fail(String sentence) {
        List<Operation> all = new ArrayList<>(announced.values());
        synchronized (queue) {
            failure = sentence;
            queue.stream().map(Outgoing::message).filter(message -> message != null).forEach(all::add);
        }
        asked.values().forEach(each -> all.add(each.receiving()));
        TcpReceiving under = receiving;
        TcpArrival here = arriving;
        if (under != null) {
            all.add(under);
        } else if (here != null) {
            TcpReceiving since = matching.came(here);
            if (since != null) {
                all.add(since);
            }
        }
        all.addAll(matching.giveUp(peer));
        all.forEach(each -> each.fail(sentence));
        reader.moved();
    }

    /** Why nothing comes from this rank any more; null: it does. */
    @Nullable
    String failure() {
        synchronized (queue) {
            return failure;
        }
    }
}
