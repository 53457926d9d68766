package dev.lockstep.mpj;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

import org.openucx.jucx.UcxCallback;
import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpEndpoint;
import org.openucx.jucx.ucp.UcpEndpointParams;
import org.openucx.jucx.ucp.UcpParams;
import org.openucx.jucx.ucp.UcpRequest;
import org.openucx.jucx.ucp.UcpWorker;
import org.openucx.jucx.ucp.UcpWorkerParams;

/**
 * UCX in this process, and who drives it. UCX does nothing by itself: messages move while one thread, whichever waits for
 * something, asks it to go on. That thread yields the processor a while when nothing moves, then sleeps in the kernel until
 * something arrives or another thread has something to send. All other methods are called between {@link #enter} and
 * {@link #leave}.
 */
final class UcxWorker implements Progress {
    /** Cheaper than to sleep and be woken while the other ranks run; then their processors are theirs. */
    private static final int YIELDS = 100;
    /** When so much has come that is not what is waited for, it is taken out of the memory that ranks share. */
    private static final int MOVES = 64;

    private final UcpContext context;
    private final UcpWorker worker;
    private final UcxArrived arrived;
    private final List<UcpEndpoint> endpoints = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private final Queue<Runnable> next = new ArrayDeque<>();
    /** Threads that want the lock of one that may be asleep with it. */
    private final AtomicInteger wanting = new AtomicInteger();
    private volatile boolean asleep;
    private boolean driven;
    private int waiting;

    private UcxWorker(UcpContext context, UcpWorker worker) {
        this.context = context;
        this.worker = worker;
        this.arrived = new UcxArrived(worker);
    }

    /**
     * @param libraries the directory of libucp.so.0; empty: the system knows
     * @param oneHost   whether all ranks share it: then nothing listens, and memory is all that is used
     * @throws IllegalStateException with the reason when there is no UCX here that works
     */
    static UcxWorker open(String libraries, boolean oneHost) {
        try {
            load(libraries);
            UcpParams params = new UcpParams().requestTagFeature().requestWakeupFeature()
                    // nothing longer than one piece is sent before its receiver waits, so in memory no way of UCX's own
                    // makes it faster; between hosts it may be read out of the sender's memory
                    .setConfig("RNDV_THRESH", oneHost ? "inf" : Integer.toString(UcxSending.WHOLE + 1));
            if (oneHost) {
                // not System V's memory, which the user's group may open
                params.setConfig("TLS", "posix,self");
            }
            UcpContext context = new UcpContext(params);
            return new UcxWorker(context, context.newWorker(new UcpWorkerParams()));
        } catch (LinkageError | UcxException e) {
            throw new IllegalStateException(
                    "UCX does not start: " + String.valueOf(e.getMessage()).replaceFirst("(?s).*\\.so: ", ""), e);
        }
    }

    /** In the order in which they need each other; the binding then finds them loaded. */
    private static void load(String directory) {
        if (directory.isEmpty()) {
            return;
        }
        for (String name : List.of("libnuma.so.1", "libucm.so.0", "libucs.so.0", "libuct.so.0", "libucp.so.0")) {
            Path library = Path.of(directory, name);
            if (Files.exists(library)) {
                System.load(library.toString());
            }
        }
    }

    /** By which the other ranks reach this one. */
    byte[] address() {
        ByteBuffer address = worker.getAddress();
        byte[] bytes = new byte[address.remaining()];
        address.get(bytes);
        return bytes;
    }

    /**
     * @param addresses of all ranks, this one's too
     * @throws IllegalStateException when one cannot be reached
     */
    void connect(List<byte[]> addresses) {
        for (byte[] address : addresses) {
            ByteBuffer direct = ByteBuffer.allocateDirect(address.length).put(address).flip();
            try {
                endpoints.add(worker.newEndpoint(new UcpEndpointParams().setUcpAddress(direct)));
            } catch (UcxException e) {
                throw new IllegalStateException("rank " + endpoints.size() + " cannot be reached over UCX ("
                        + e.getMessage() + "): --dev tcp does without", e);
            }
        }
    }

    UcpWorker worker() {
        return worker;
    }

    UcxArrived arrived() {
        return arrived;
    }

    UcpEndpoint endpoint(int rank) {
        return endpoints.get(rank);
    }

    /** Done when UCX is through with what it does: nothing may be asked of it in the middle of that. */
    void later(Runnable step) {
        next.add(step);
    }

    void enter() {
        if (!lock.tryLock()) {
            wanting.incrementAndGet();
            if (asleep) {
                worker.signal();
            }
            lock.lock();
            wanting.decrementAndGet();
        }
    }

    void leave() {
        runNext();
        lock.unlock();
    }

    @Override
    public void once() {
        enter();
        try {
            if (!driven) {
                progress();
            }
        } finally {
            leave();
        }
    }

    @Override
    public void until(BooleanSupplier done) {
        enter();
        try {
            await(done);
        } finally {
            leave();
        }
    }

    /**
     * Returns when the condition is met, which is asked for whenever something has moved.
     *
     * @param done called by this thread, inside
     */
    private void await(BooleanSupplier done) {
        runNext();
        while (!done.getAsBoolean()) {
            if (driven) {
                waiting++;
                moved.awaitUninterruptibly();
                waiting--;
                continue;
            }
            driven = true;
            try {
                drive(done);
            } finally {
                driven = false;
                wakeOthers(); // one of them drives on
            }
        }
    }

    private void drive(BooleanSupplier done) {
        int idle = 0;
        int moves = 0;
        while (!done.getAsBoolean()) {
            if (progress()) {
                idle = 0;
                wakeOthers();
                if (++moves % MOVES == 0) {
                    arrived.takeAll();
                }
            } else if (++idle <= YIELDS) {
                lock.unlock();
                Progress.yieldProcessor();
                lock.lock();
                runNext();
            } else {
                arrived.takeAll();
                sleep();
                idle = 0;
            }
        }
    }

    /** Keeps the lock, because another thread must not touch the worker meanwhile; {@link #enter} wakes it. */
    private void sleep() {
        asleep = true;
        if (!isWanted()) {
            worker.waitForEvents();
        }
        asleep = false;
        if (isWanted()) {
            lock.unlock();
            do {
                Progress.yieldProcessor();
            } while (wanting.get() > 0);
            lock.lock();
            runNext();
        }
    }

    private boolean isWanted() {
        return wanting.get() > 0 || lock.hasQueuedThreads();
    }

    private void wakeOthers() {
        if (waiting > 0) {
            moved.signalAll();
        }
    }

    private boolean progress() {
        try {
            boolean any = worker.progress() != 0;
            return runNext() || any;
        } catch (Exception e) {
            throw new IllegalStateException("UCX failed: " + e.getMessage(), e);
        }
    }

    private boolean runNext() {
        boolean any = false;
        for (Runnable step; (step = next.poll()) != null;) {
            step.run();
            any = true;
        }
        return any;
    }

    /** Sees off what this rank has sent and ends UCX here; the other ranks have said that they send nothing more. */
    void close() {
        boolean[] flushed = new boolean[1];
        worker.flushNonBlocking(new UcxCallback() {
            @Override
            public void onSuccess(UcpRequest request) {
                flushed[0] = true;
            }

            @Override
            public void onError(int code, String message) {
                flushed[0] = true; // there is nobody left to send to
            }
        });
        await(() -> flushed[0]);
        endpoints.clear();
        worker.close();
        context.close();
    }
}
