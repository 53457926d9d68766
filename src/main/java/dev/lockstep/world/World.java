package dev.lockstep.world;

import java.io.IOException;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JavaType;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;

/**
 * All ranks of a job, seen from one of them. Every rank runs the same program and calls the same collectives in the
 * same order; each call waits until the others have come as far as it needs.
 *
 * <pre>{@code
 * try (World world = World.init(args)) {
 *     List<Answer> mine = world.split(questions).stream().map(Example::answer).toList();
 *     world.gatherAll(mine, Answer.class).ifPresent(all -> all.forEach(System.out::println));
 * }
 * }</pre>
 *
 * <p>
 * Values travel as JSON written and read by Jackson (records, lists, maps, strings, numbers, null), never as serialized
 * Java objects. What a rank receives, its own share included, has been through JSON: a program that works with one rank
 * works with many. One value may take up to 2 GiB as JSON and has to fit on the heap about twice. Outside the heap a
 * rank needs a few buffers of 16 MiB for each peer it talks to, however large the values are.
 *
 * <p>
 * A rank that ends with an uncaught exception, is killed, or calls {@link #abort} ends the whole job; no rank waits for
 * one that is gone. Started with plain {@code java}, without the launcher, a program is a world of one.
 *
 * <p>
 * Collectives are for one thread at a time; send, receive and all other methods may be called from any thread.
 */
public final class World implements AutoCloseable {
    private static final long PROGRESS_NANOS = 500_000_000L;

    private static World current;

    private final List<String> args;
    private final RankEnvironment self;
    private final Link link; // null: there is no launcher
    private final Transfer transfer; // null: a world of one
    private final Ending ending;
    private volatile long barrierPassed;
    private long progressBegin;
    private long progressSent;

    private World(String[] args, RankEnvironment self, boolean launched) {
        this.args = List.of(args);
        this.self = self;
        if (!launched) {
            this.link = null;
            this.transfer = null;
            this.ending = new Ending(null);
            return;
        }
        System.setProperty("lockstep.rank", Integer.toString(self.rank()));
        this.link = connect(self);
        this.ending = new Ending(link);
        ending.catchUncaught();
        Set<Thread> mpjThreads = new HashSet<>();
        if (self.size() == 1) {
            send(new Message.Ports(0, 0));
            link.table();
            this.transfer = null;
        } else {
            Set<Thread> before = Thread.getAllStackTraces().keySet();
            this.transfer = Bootstrap.start(self, link);
            mpjThreads.addAll(Thread.getAllStackTraces().keySet());
            mpjThreads.removeAll(before);
        }
        ending.watch(Thread.currentThread(), mpjThreads);
    }

    /**
     * Joins the job's other ranks; waits until all have called it. The world closes itself when the calling thread
     * ends.
     *
     * @param args the program's own arguments, given back by {@link #args()}
     * @throws IllegalStateException when called twice, or when MPJ Express cannot start
     */
    public static synchronized World init(String[] args) {
        if (current != null) {
            throw new IllegalStateException("World.init was called before; a program has one world");
        }
        boolean launched = RankEnvironment.isIn(System.getenv());
        RankEnvironment self = launched
                ? RankEnvironment.of(System.getenv())
                : new RankEnvironment(0, 1, 0, 1, hostName(), deviceWithoutLauncher(), "", "");
        current = new World(args, self, launched);
        return current;
    }

    /** The program's arguments. */
    public String[] args() {
        return args.toArray(String[]::new);
    }

    /** This rank, from 0. */
    public int rank() {
        return self.rank();
    }

    /** Number of ranks. */
    public int size() {
        return self.size();
    }

    /** This rank among those of its host, from 0. */
    public int localRank() {
        return self.localRank();
    }

    /** Number of ranks on this host. */
    public int localSize() {
        return self.localSize();
    }

    /** The name of this rank's host. */
    public String host() {
        return self.host();
    }

    /** Whether this is rank 0. */
    public boolean isRoot() {
        return rank() == 0;
    }

    /** What this rank computes on: {@code cpu} or {@code cuda}; a rank on CUDA sees its own GPU as device 0. */
    public String device() {
        return self.device();
    }

    /** This rank's share of n items: contiguous, sizes differ by at most one, empty when there are too few. */
    public Block split(int n) {
        return Block.of(n, rank(), size());
    }

    /** This rank's share of a list that all ranks have; a view of it. */
    public <T> List<T> split(List<T> items) {
        Block block = split(items.size());
        return items.subList(block.start(), block.end());
    }

    /** Waits until every rank has called it. */
    public void barrier() {
        checkOpen();
        if (!isAlone()) {
            transfer.barrier();
        }
        barrierPassed = System.nanoTime();
    }

    /** {@link #broadcast(Object, Class, int)} from rank 0. */
    public <T> T broadcast(T value, Class<T> type) {
        return broadcast(value, type, 0);
    }

    /**
     * Gives every rank the root's value.
     *
     * @param value the root's; the others' is not looked at and may be null
     * @throws IllegalArgumentException when Jackson cannot write the value
     */
    public <T> T broadcast(T value, Class<T> type, int root) {
        return broadcast(value, (Type) type, root);
    }

    /** {@link #broadcast(Object, Class)} for types with parameters. */
    public <T> T broadcast(T value, TypeReference<T> type) {
        return broadcast(value, type, 0);
    }

    /** {@link #broadcast(Object, Class, int)} for types with parameters. */
    public <T> T broadcast(T value, TypeReference<T> type, int root) {
        return broadcast(value, type.getType(), root);
    }

    /** {@link #gather(Object, Class, int)} to rank 0. */
    public <T> Optional<List<T>> gather(T value, Class<T> type) {
        return gather(value, type, 0);
    }

    /**
     * Gives the root every rank's value.
     *
     * @return on the root the values, by rank, a null where a rank gave null; elsewhere empty
     * @throws IllegalArgumentException when Jackson cannot write the value
     */
    public <T> Optional<List<T>> gather(T value, Class<T> type, int root) {
        return gather(value, Codec.type(type), root);
    }

    /** {@link #gather(Object, Class)} for types with parameters. */
    public <T> Optional<List<T>> gather(T value, TypeReference<T> type) {
        return gather(value, type, 0);
    }

    /** {@link #gather(Object, Class, int)} for types with parameters. */
    public <T> Optional<List<T>> gather(T value, TypeReference<T> type, int root) {
        return gather(value, Codec.type(type.getType()), root);
    }

    /** Gives every rank every rank's value, by rank. */
    public <T> List<T> allGather(T value, Class<T> type) {
        return allGather(value, (Type) type);
    }

    /** {@link #allGather(Object, Class)} for types with parameters. */
    public <T> List<T> allGather(T value, TypeReference<T> type) {
        return allGather(value, type.getType());
    }

    /**
     * Gives rank 0 the items of all ranks as one list, by rank: what {@link #split(List)} took apart is in order again.
     *
     * @return on rank 0 the items; elsewhere empty
     */
    public <T> Optional<List<T>> gatherAll(List<T> items, Class<T> type) {
        return gatherAll(items, Codec.type(type));
    }

    /** {@link #gatherAll(List, Class)} for types with parameters. */
    public <T> Optional<List<T>> gatherAll(List<T> items, TypeReference<T> type) {
        return gatherAll(items, Codec.type(type.getType()));
    }

    /**
     * Sends a value to one rank, which must {@link #receive} it. May wait until it does.
     *
     * @param tag from 0 to 65,535; messages with one tag are received in the order in which they were sent
     */
    public <T> void send(T value, Class<T> type, int to, int tag) {
        checkPeer(to, tag);
        transfer.send(Codec.encode(value), to, tag);
    }

    /** Waits for the value that a rank {@linkplain #send sends} with this tag. */
    public <T> T receive(Class<T> type, int from, int tag) {
        checkPeer(from, tag);
        return Codec.decode(transfer.receive(from, tag), Codec.type(type));
    }

    private void checkPeer(int peer, int tag) {
        checkRoot(peer);
        if (peer == rank() || tag < 0 || tag > 0xffff) {
            throw new IllegalArgumentException("no message for or from rank " + peer + " with tag " + tag);
        }
    }

    /** Prints a line on stdout, on rank 0 only. */
    public void print(String line) {
        if (isRoot()) {
            System.out.println(line);
        }
    }

    /** {@link #progress(long, long, long, long)} where nobody can tell how many tokens are to come. */
    public void progress(long done, long total, long tokens) {
        progress(done, total, tokens, -1);
    }

    /**
     * Tells the launcher how far this rank is; it shows the sum over all ranks. Cheap: most calls only look at the
     * clock. Time counts from the last barrier before the first call, or from that call.
     *
     * @param done   rows finished
     * @param total  rows this rank has to do
     * @param tokens tokens generated
     * @param toCome tokens still to be generated, as far as can be told; -1 where it cannot
     */
    public synchronized void progress(long done, long total, long tokens, long toCome) {
        long now = System.nanoTime();
        boolean first = progressBegin == 0;
        if (link == null || !first && done < total && now - progressSent < PROGRESS_NANOS) {
            return;
        }
        if (first) {
            progressBegin = barrierPassed == 0 ? now : barrierPassed;
        }
        progressSent = now;
        send(new Message.Progress(done, total, tokens, toCome, (now - progressBegin) / 1e9));
    }

    /**
     * Ends the whole job at once, without waiting for anything.
     *
     * @param code  the launcher's exit code; with 2 the cause is shown to the user as it stands
     * @param cause one sentence
     */
    public void abort(int code, String cause) {
        ending.abort(code, cause);
    }

    /**
     * Ends this rank in good order; the others go on. When all have ended so, the launcher's exit code is the first that
     * is not 0.
     *
     * @param code of this process
     */
    public void exit(int code) {
        ending.exit(code);
    }

    /**
     * Ends this rank's part in the job: no collective after it. The launcher is told when the program ends, because an
     * exception may be on its way through a try-with-resources.
     */
    @Override
    public void close() {
        ending.close();
    }

    private void checkOpen() {
        if (ending.isClosed()) {
            throw new IllegalStateException("the world is closed");
        }
    }

    private boolean isAlone() {
        return transfer == null;
    }

    private <T> T broadcast(T value, Type type, int root) {
        checkRoot(root);
        byte[] bytes = rank() == root ? Codec.encode(value) : null;
        return Codec.decode(isAlone() ? bytes : transfer.broadcast(bytes, root), Codec.type(type));
    }

    private <T> Optional<List<T>> gather(T value, JavaType type, int root) {
        checkRoot(root);
        byte[] mine = Codec.encode(value);
        if (rank() != root) {
            transfer.send(mine, root);
            return Optional.empty();
        }
        // one rank's bytes at a time: the root holds the values, not the values and all the bytes
        List<T> values = new ArrayList<>();
        for (int from = 0; from < size(); from++) {
            values.add(Codec.decode(from == root ? mine : transfer.receive(from), type));
        }
        return Optional.of(values);
    }

    private <T> List<T> allGather(T value, Type type) {
        checkOpen();
        byte[] mine = Codec.encode(value);
        byte[][] all = isAlone() ? new byte[][]{mine} : transfer.allGather(mine);
        List<T> values = new ArrayList<>();
        for (byte[] bytes : all) {
            values.add(Codec.decode(bytes, Codec.type(type)));
        }
        return values;
    }

    private <T> Optional<List<T>> gatherAll(List<T> items, JavaType type) {
        Optional<List<List<T>>> lists = gather(items, Codec.listOf(type), 0);
        return lists.map(all -> {
            List<T> flat = new ArrayList<>();
            all.forEach(flat::addAll);
            return flat;
        });
    }

    private void checkRoot(int root) {
        checkOpen();
        if (root < 0 || root >= size()) {
            throw new IllegalArgumentException("root " + root + " is not a rank of " + size());
        }
    }

    private void send(Message message) {
        try {
            link.send(message);
        } catch (IOException e) {
            // the link's reader ends this process
        }
    }

    private static Link connect(RankEnvironment self) {
        try {
            return Link.open(self);
        } catch (IOException e) {
            System.err.println("rank " + self.rank() + " on " + self.host() + ": the launcher at "
                    + self.coordinator() + " is gone: " + e.getMessage());
            Runtime.getRuntime().halt(1);
            throw new AssertionError(e);
        }
    }

    private static String hostName() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "localhost";
        }
    }

    private static String deviceWithoutLauncher() {
        return Files.exists(Path.of("/dev/nvidia0")) ? "cuda" : "cpu";
    }
}
