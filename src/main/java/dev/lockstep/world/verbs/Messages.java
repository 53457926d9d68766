package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Amounts;
import dev.lockstep.wire.Message;
import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedOutput;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;

/** Messages from one rank of a group to another. What is not waited for is on a thread of its own while it waits. */
public final class Messages {
    /** Stands for every rank or tag where a message is received. */
    public static final int ANY = Inbox.ANY;
    /** Tags that a program may give its messages are below. */
    private static final int TAG_LIMIT = 1 << 16;

    private static final Executor THREADS = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "lockstep-message");
        thread.setDaemon(true);
        return thread;
    });

    /** What was received, and from where. */
    public record Delivered<V> (V value, int from, int tag, long bytes) {}

    /** A message that a thread is at; since is of System.nanoTime. */
    private record Underway(boolean sends, int peer, int tag, long since) {}

    private interface Step<T> {
        T run() throws IOException;
    }

    private final Mail mail;
    private final Inbox inbox;
    private final Members members;
    private final Runnable open;
    private final int rank;
    private final int size;
    // by thread
    private final Map<Thread, Underway> underway;
    private final @Nullable Messages all; // where these are a view of them
    private final long limitNanos; // 0: none
    private final Function<String, RuntimeException> late;

    /** @param memory what the ranks of a host share, if they do */
    public Messages(Transport transport, Members members, @Nullable SharedMemory memory, Runnable open) {
        this.mail = new Mail(transport, members, memory);
        this.inbox = new Inbox(mail);
        this.members = members;
        this.open = open;
        this.rank = members.self();
        this.size = members.size();
        this.underway = new ConcurrentHashMap<>();
        this.all = null;
        this.limitNanos = 0;
        this.late = IllegalStateException::new;
    }

    private Messages(Messages all, long limitNanos, Function<String, RuntimeException> late) {
        this.mail = all.mail;
        this.inbox = all.inbox;
        this.members = all.members;
        this.open = all.open;
        this.rank = all.rank;
        this.size = all.size;
        this.underway = all.underway;
        this.all = all;
        this.limitNanos = limitNanos;
        this.late = late;
    }

    /**
     * A view of these that gives up waiting.
     *
     * @param late makes what is thrown then of a sentence
     */
    public Messages within(long nanos, Function<String, RuntimeException> late) {
        return new Messages(all == null ? this : all, nanos, late);
    }

    private RuntimeException late(boolean sends, int peer, int tag) {
        return late
                .apply("rank " + members.world()[rank] + " has waited " + waited(sends, peer, tag, 0).text() + " for "
                        + Amounts.seconds(limitNanos / 1_000_000) + " s, as long as it was to");
    }

    private Mail.Letter await(Inbox.Wanted wanted, int from, int tag) {
        return limitNanos == 0
                ? inbox.await(wanted)
                : inbox.await(wanted, limitNanos, THREADS).orElseThrow(() -> late(false, from, tag));
    }

    public <V> void send(@Nullable V value, Codec<V> codec, int to, int tag) {
        checkSend(to, tag);
        if (limitNanos > 0) {
            sendWithin(value, codec, to, tag);
            return;
        }
        run(true, to, tag, () -> {
            mail.send(value, codec, to, tag);
            return rank;
        });
    }

    /** What nobody takes in time stays under way: a receiver may have begun to take it. */
    private <V> void sendWithin(@Nullable V value, Codec<V> codec, int to, int tag) {
        try {
            long unused = await(isend(value, codec, to, tag).copy().orTimeout(limitNanos, TimeUnit.NANOSECONDS));
        } catch (CompletionException e) {
            throw e.getCause() instanceof TimeoutException ? late(true, to, tag) : e;
        }
    }

    /** @param from or tag: {@link #ANY} */
    public <V> Delivered<V> receive(Codec<V> codec, int from, int tag) {
        checkReceive(from, tag);
        Inbox.Wanted wanted = inbox.ask(from, tag, true);
        return run(false, from, tag, () -> read(await(wanted, from, tag), codec));
    }

    /** The value may be changed as soon as this returns: its bytes are kept until they are sent. */
    public <V> CompletableFuture<Long> isend(@Nullable V value, Codec<V> codec, int to, int tag) {
        checkSend(to, tag);
        if (codec instanceof ArrayCodec<V> arrays && mail.pipes(arrays, value, to)) {
            V copy = arrays.copy(value);
            Runnable rest = mail.pipe(copy, arrays, to, tag);
            if (rest != null) {
                return later(true, to, tag, () -> {
                    rest.run();
                    return arrays.bytes(copy) + Integer.BYTES;
                });
            }
        }
        List<Chunk> parts = parts(value, codec);
        long bytes = parts.stream().mapToLong(Chunk::length).sum();
        long told = codec.bytes(value);
        Mail.Outgoing message = mail.outgoing(to, tag, codec.kind(), told < 0 ? bytes : told);
        // this never waits, and with it the message has its place in the order
        message.begin(parts.get(0));
        if (parts.size() == 1 && parts.get(0).length() <= Chunk.INLINE) {
            return CompletableFuture.completedFuture(bytes);
        }
        return later(true, to, tag, () -> {
            message.rest(parts);
            return bytes;
        });
    }

    /** @param from or tag: {@link #ANY} */
    public <V> CompletableFuture<Delivered<V>> ireceive(Codec<V> codec, int from, int tag) {
        checkReceive(from, tag);
        // with this it has its place in the order
        Inbox.Wanted wanted = inbox.ask(from, tag, true);
        return later(false, from, tag, () -> read(await(wanted, from, tag), codec));
    }

    public <V> V sendReceive(@Nullable V value, Codec<V> codec, int to, int from, int tag) {
        CompletableFuture<Long> sent = isend(value, codec, to, tag);
        Delivered<V> received = receive(codec, from, tag);
        long unused = await(sent);
        return received.value();
    }

    /** A message that is there and that nobody has asked for; without a value. */
    public Optional<Delivered<Boolean>> probe(int from, int tag) {
        checkReceive(from, tag);
        return inbox.look(from, tag).map(letter -> delivered(letter, true));
    }

    /** Waits for a message, which stays to be received. */
    public Delivered<Boolean> awaitMessage(int from, int tag) {
        checkReceive(from, tag);
        Inbox.Wanted wanted = inbox.ask(from, tag, false);
        return run(false, from, tag, () -> delivered(await(wanted, from, tag), true));
    }

    /** Does something on a thread that does not keep the JVM alive. */
    public static <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, THREADS);
    }

    /** Does something once something else is done, whichever way that has ended. */
    public static <T> CompletableFuture<T> after(CompletableFuture<?> before, Supplier<T> work) {
        return before.handle((value, failure) -> true).thenApplyAsync(ended -> work.get(), THREADS);
    }

    interface Work {
        void run() throws IOException;
    }

    /** Does what never waits at once, and else begins it. */
    static CompletableFuture<Boolean> begin(Work work, long bytes) throws IOException {
        if (bytes + Integer.BYTES <= Chunk.INLINE) {
            work.run();
            return CompletableFuture.completedFuture(true);
        }
        return CompletableFuture.supplyAsync(() -> {
            try {
                work.run();
                return true;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }, THREADS);
    }

    /**
     * Waits for what has been begun.
     *
     * @throws RuntimeException what failed there, as it was thrown
     */
    public static <T> T await(CompletableFuture<T> begun) {
        try {
            return begun.join();
        } catch (CompletionException e) {
            if (e.getCause()instanceof RuntimeException failure) {
                failure.addSuppressed(new IllegalStateException("awaited here"));
                throw failure;
            }
            throw e;
        }
    }

    private static <V> Delivered<V> delivered(Mail.Letter letter, V value) {
        return new Delivered<>(value, letter.from(), letter.tag(), letter.bytes());
    }

    private <V> Delivered<V> read(Mail.Letter letter, Codec<V> codec) throws IOException {
        if (letter.kind() != codec.kind()) {
            throw new IllegalStateException("rank " + members.world()[rank] + " receives " + codec.kind()
                    + " with tag " + letter.tag() + ", and rank " + members.world()[letter.from()] + " has sent "
                    + letter.kind() + ": receive with the verbs of what was sent");
        }
        return delivered(letter, mail.receive(letter, codec));
    }

    private static <V> List<Chunk> parts(@Nullable V value, Codec<V> codec) {
        List<Chunk> parts = new ArrayList<>();
        try {
            ChunkedOutput out = new ChunkedOutput(part -> parts
                    .add(new Chunk(Arrays.copyOf(part.buffer(), Chunk.HEADER + part.length()), part.length(),
                            part.last())));
            codec.write(value, out);
            out.finish();
        } catch (IOException e) {
            throw new UncheckedIOException("send failed: " + e.getMessage(), e);
        }
        return parts;
    }

    private <T> CompletableFuture<T> later(boolean sends, int peer, int tag, Step<T> step) {
        return inBackground(() -> run(sends, peer, tag, step));
    }

    /** Those that have been waited for for so long already, with ranks of the world. */
    public List<Message.Wait> waits(long now, long atLeastNanos) {
        return underway.values().stream().filter(each -> now - each.since >= atLeastNanos)
                .map(each -> waited(each.sends, each.peer, each.tag, (now - each.since) / 1_000_000)).toList();
    }

    private Message.Wait waited(boolean sends, int peer, int tag, long millis) {
        return new Message.Wait(peer == ANY ? Message.Wait.ANY : members.world()[peer], sends,
                tag == ANY ? Message.Wait.ANY : tag, millis);
    }

    private <T> T run(boolean sends, int peer, int tag, Step<T> step) {
        Thread thread = Thread.currentThread();
        underway.put(thread, new Underway(sends, peer, tag, System.nanoTime()));
        try {
            return step.run();
        } catch (IOException e) {
            throw new UncheckedIOException((sends ? "send" : "receive") + " failed: " + e.getMessage(), e);
        } finally {
            underway.remove(thread);
            // the reporter takes what nobody refers to for left
            Reference.reachabilityFence(this);
        }
    }

    private void checkSend(int to, int tag) {
        open.run();
        check(to, tag, "send to");
    }

    private void checkReceive(int from, int tag) {
        open.run();
        if (from == ANY && size == 1) {
            throw new IllegalArgumentException("there is no other rank whose message could be received");
        }
        check(from == ANY ? (rank + 1) % size : from, tag == ANY ? 0 : tag, "receive from");
    }

    private void check(int peer, int tag, String doing) {
        if (peer < 0 || peer >= size) {
            throw new IllegalArgumentException("rank " + peer + " is not a rank of " + size);
        }
        if (tag < 0 || tag >= TAG_LIMIT) {
            throw new IllegalArgumentException("tag " + tag + ": tags are from 0 to " + (TAG_LIMIT - 1));
        }
        if (peer == rank) {
            throw new IllegalArgumentException("rank " + rank + " cannot " + doing + " itself");
        }
    }
}
