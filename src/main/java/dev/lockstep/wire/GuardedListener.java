package dev.lockstep.wire;

import java.io.Closeable;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.host.Closing;

/**
 * A listening socket that strangers may knock at. Each connection is served by a thread of its own; until it is admitted
 * it is one of a bounded number, of which the oldest has to go, and has a bounded time, however slowly it goes on
 * talking.
 */
public final class GuardedListener implements Closeable {
    /**
     * For the server's socket: strangers who come faster than they are taken in must not make the system turn away
     * those who belong here, who would try again only a second later.
     */
    public static final int BACKLOG = 1024;
    /** A connection that has not been admitted by then is dropped. */
    private static final long ADMIT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int LOOK_MILLIS = 1000;
    private static final int WAITING = 64;

    /** What is done with a connection. */
    public interface Host {
        /**
         * @param admit to be run once the other side has shown that it belongs here
         * @return whether the connection is to stay, for others; otherwise it is closed
         */
        boolean serve(Socket visitor, Runnable admit) throws IOException;
    }

    /** No record, whose equals every rank would have to put together at its start. */
    private static final class Waiting {
        private final Socket visitor;
        private final long since = System.nanoTime();

        private Waiting(Socket visitor) {
            this.visitor = visitor;
        }
    }

    private final ServerSocket server;
    private final Host host;
    private final int most;
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    private GuardedListener(ServerSocket server, int expected, Host host) {
        this.server = server;
        this.host = host;
        this.most = WAITING + expected;
    }

    /**
     * Begins to serve.
     *
     * @param expected so many may come at the same time in good order
     */
    public static GuardedListener open(ServerSocket server, String name, int expected, Host host) throws IOException {
        server.setSoTimeout(LOOK_MILLIS);
        GuardedListener entrance = new GuardedListener(server, expected, host);
        start(name, entrance::accept);
        return entrance;
    }

    @Override
    public void close() {
        Closing.quietly(server);
        synchronized (waiting) {
            waiting.forEach(each -> Closing.quietly(each.visitor));
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket visitor = server.accept();
                Waiting entry = new Waiting(visitor);
                dropAllBut(most - 1);
                synchronized (waiting) {
                    waiting.add(entry);
                }
                start(visitor.toString(), () -> serve(entry));
            } catch (SocketTimeoutException e) {
                dropAllBut(most);
            } catch (IOException e) {
                LockSupport.parkNanos(1_000_000); // out of file descriptors, say: the next try may go better
            }
        }
    }

    private void serve(Waiting entry) {
        boolean stays = false;
        try {
            stays = host.serve(entry.visitor, () -> remove(entry));
        } catch (IOException e) {
            // a stranger, or the end of one that was admitted: whoever admitted it knows
        } finally {
            remove(entry);
            if (!stays) {
                Closing.quietly(entry.visitor);
            }
        }
    }

    private void remove(Waiting entry) {
        synchronized (waiting) {
            waiting.remove(entry);
        }
    }

    private void dropAllBut(int allowed) {
        synchronized (waiting) {
            while (!waiting.isEmpty() && (waiting.size() > allowed
                    || System.nanoTime() - waiting.peek().since > ADMIT_NANOS)) {
                Closing.quietly(waiting.remove().visitor);
            }
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
