package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

import org.jspecify.annotations.Nullable;

import dev.lockstep.wire.Message;
import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedOutput;

/**
 * Messages from one rank of a group to another. What a rank has under way with one peer and tag follows one another; all
 * else is apart, each on a thread of its own while it waits.
 */
public final class Messages {
    private static final Executor THREADS = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "lockstep-message");
        thread.setDaemon(true);
        return thread;
    });

    /** What goes one way between two ranks with one tag. */
    private record Lane(boolean sends, int peer, int tag) {}

    /** A message that a thread is at; since is of System.nanoTime. */
    private record Underway(Lane lane, long since) {}

    private interface Step<T> {
        T run() throws IOException;
    }

    private final Channel channel;
    private final Runnable open;
    private final int rank;
    private final int size;
    // of each lane the last message that is not done
    private final Map<Lane, CompletableFuture<Boolean>> lanes = new ConcurrentHashMap<>();
    // by thread
    private final Map<Thread, Underway> underway = new ConcurrentHashMap<>();

    public Messages(Channel channel, Runnable open) {
        this.channel = channel;
        this.open = open;
        this.rank = channel.members().self();
        this.size = channel.members().size();
    }

    public <V> void send(@Nullable V value, Codec<V> codec, int to, int tag) {
        CollectiveTracker.Call call = call(codec, to, tag, true);
        now(new Lane(true, to, tag), () -> {
            channel.send(call, to, value, codec);
            return rank;
        });
    }

    public <V> V receive(Codec<V> codec, int from, int tag) {
        CollectiveTracker.Call call = call(codec, from, tag, false);
        return now(new Lane(false, from, tag), () -> channel.receive(call, from, codec));
    }

    /** The value may be changed as soon as this returns: its bytes are kept until they are sent. */
    public <V> CompletableFuture<Long> isend(@Nullable V value, Codec<V> codec, int to, int tag) {
        CollectiveTracker.Call call = call(codec, to, tag, true);
        Lane lane = new Lane(true, to, tag);
        if (codec instanceof ArrayCodec<V> arrays && channel.pipes(arrays, value)) {
            V copy = arrays.copy(value);
            return later(lane, () -> {
                channel.send(call, to, copy, codec);
                return (long) arrays.length(copy) * arrays.size() + Integer.BYTES;
            });
        }
        List<Chunk> parts = parts(value, codec);
        long bytes = parts.stream().mapToLong(Chunk::length).sum();
        Step<Long> step = () -> {
            parts.forEach(part -> channel.put(call, part, to));
            return bytes;
        };
        if (parts.size() == 1 && parts.get(0).length() <= Chunk.INLINE && !lanes.containsKey(lane)) {
            return CompletableFuture.completedFuture(now(lane, step)); // never waits
        }
        return later(lane, step);
    }

    public <V> CompletableFuture<V> ireceive(Codec<V> codec, int from, int tag) {
        CollectiveTracker.Call call = call(codec, from, tag, false);
        return later(new Lane(false, from, tag), () -> channel.receive(call, from, codec));
    }

    public <V> V sendReceive(@Nullable V value, Codec<V> codec, int to, int from, int tag) {
        CompletableFuture<Long> sent = isend(value, codec, to, tag);
        V received = receive(codec, from, tag);
        long unused = await(sent);
        return received;
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

    /** After what is under way in the lane. */
    private <T> T now(Lane lane, Step<T> step) {
        CompletableFuture<Boolean> before = lanes.get(lane);
        if (before != null) {
            before.join();
        }
        return run(lane, step);
    }

    private <T> CompletableFuture<T> later(Lane lane, Step<T> step) {
        CompletableFuture<T> message = new CompletableFuture<>();
        // the next in the lane begins when this one has ended, whichever way
        CompletableFuture<Boolean> end = message.handle((value, failure) -> true);
        CompletableFuture<Boolean> before = lanes.put(lane, end);
        Runnable work = () -> {
            try {
                message.complete(run(lane, step));
            } catch (RuntimeException | Error e) {
                message.completeExceptionally(e);
            } finally {
                lanes.remove(lane, end);
            }
        };
        CompletableFuture<Boolean> turn = before == null ? CompletableFuture.completedFuture(true) : before;
        CompletableFuture<Void> unused = turn.thenRunAsync(work, THREADS);
        return message;
    }

    /** Those that have been waited for for so long already, with ranks of the world. */
    public List<Message.Wait> waits(long now, long atLeastNanos) {
        return underway.values().stream().filter(each -> now - each.since >= atLeastNanos)
                .map(each -> new Message.Wait(channel.members().world()[each.lane.peer], each.lane.sends,
                        each.lane.tag, (now - each.since) / 1_000_000))
                .toList();
    }

    private <T> T run(Lane lane, Step<T> step) {
        Thread thread = Thread.currentThread();
        underway.put(thread, new Underway(lane, System.nanoTime()));
        try {
            return step.run();
        } catch (IOException e) {
            throw new UncheckedIOException((lane.sends ? "send" : "receive") + " failed: " + e.getMessage(), e);
        } finally {
            underway.remove(thread);
            // the reporter takes what nobody refers to for left
            Reference.reachabilityFence(this);
        }
    }

    private CollectiveTracker.Call call(Codec<?> codec, int peer, int tag, boolean sends) {
        open.run();
        if (peer < 0 || peer >= size) {
            throw new IllegalArgumentException("rank " + peer + " is not a rank of " + size);
        }
        if (tag < 0 || tag >= Channel.TAG_LIMIT) {
            throw new IllegalArgumentException("tag " + tag + ": tags are from 0 to " + (Channel.TAG_LIMIT - 1));
        }
        if (peer == rank) {
            throw new IllegalArgumentException(
                    "rank " + rank + " cannot " + (sends ? "send to" : "receive from") + " itself");
        }
        return new CollectiveTracker.Call(0, Verb.MESSAGE, codec.kind(), tag);
    }
}
