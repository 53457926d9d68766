package dev.lockstep.world.rank;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import dev.lockstep.wire.Message;
import dev.lockstep.world.verbs.CollectiveTracker;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Messages;

/**
 * Tells the launcher that this rank lives and where it stands in its collectives, from a thread of its own, so that long
 * work of the program, in native code too, does not look like death.
 */
public final class Heartbeat {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** @param user once the program has let go of it, nobody can move the standing any more */
    private record Watched(CollectiveTracker standing, WeakReference<Collectives> user) {}

    /** To whoever watches the ranks. */
    public interface Link {
        void send(Message message) throws IOException;
    }

    private final Link link;
    private final Queue<Watched> watched = new ConcurrentLinkedQueue<>();
    private final Queue<WeakReference<Messages>> messages = new ConcurrentLinkedQueue<>();
    private volatile boolean atWork;
    private boolean waitsSaid;

    public Heartbeat(Link link) {
        this.link = link;
    }

    /** What the program itself has to say. */
    public void tell(Message message) {
        try {
            link.send(message);
        } catch (IOException e) {
            // the link's reader ends this process
        }
    }

    void start() {
        Thread thread = new Thread(this::run, "lockstep-reporter");
        thread.setDaemon(true);
        thread.start();
    }

    /** @param user the only one who moves the standing */
    public void watch(CollectiveTracker standing, Collectives user) {
        watched.add(new Watched(standing, new WeakReference<>(user)));
    }

    /** Its messages are told of when they are waited for. */
    public void watch(Messages ofGroup) {
        messages.add(new WeakReference<>(ofGroup));
    }

    /** The program says that it is at work although it enters no collective. */
    public void atWork() {
        if (!atWork) {
            atWork = true;
        }
    }

    /** Tells what is new now rather than at the next look. */
    public synchronized void flush() throws IOException {
        long now = System.nanoTime();
        for (Iterator<Watched> all = watched.iterator(); all.hasNext();) {
            Watched each = all.next();
            // asked before the news, which are the last ones then
            boolean left = each.user().refersTo(null);
            Message.Position news = each.standing().news(now);
            if (news != null) {
                link.send(news);
            }
            if (left) {
                all.remove();
                link.send(each.standing().left());
            }
        }
    }

    /** @param atLeastNanos so long has each of them been waited for */
    public synchronized void tellWaits(long atLeastNanos) throws IOException {
        List<Message.Wait> waits = new ArrayList<>();
        long now = System.nanoTime();
        for (Iterator<WeakReference<Messages>> all = messages.iterator(); all.hasNext();) {
            Messages ofGroup = all.next().get();
            if (ofGroup == null) {
                all.remove();
            } else {
                waits.addAll(ofGroup.waits(now, atLeastNanos));
            }
        }
        if (waitsSaid || !waits.isEmpty()) {
            waitsSaid = !waits.isEmpty();
            link.send(new Message.Waits(waits));
        }
    }

    /** Tells that the rank lives. */
    public void beat() throws IOException {
        boolean working = atWork;
        atWork = false;
        link.send(new Message.Heartbeat(working));
    }

    private void run() {
        long beat = System.nanoTime();
        try {
            while (true) {
                LockSupport.parkNanos(LOOK_NANOS);
                flush();
                if (System.nanoTime() - beat >= HEARTBEAT_NANOS) {
                    beat = System.nanoTime();
                    beat();
                    tellWaits(HEARTBEAT_NANOS);
                }
            }
        } catch (IOException e) {
            // the link's reader ends this process
        }
    }
}
