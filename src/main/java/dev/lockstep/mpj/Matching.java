package dev.lockstep.mpj;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Which message is for which receive: the first that has come for the first that wants it. UCX does the same for its own
 * messages.
 */
final class Matching {
    private final Deque<TcpReceiving> posted = new ArrayDeque<>();
    private final Deque<TcpArrival> arrived = new ArrayDeque<>();

    /** @return the receive that it is for, which waits no longer; null: the message waits */
    synchronized @Nullable TcpReceiving arrive(TcpArrival message) {
        for (Iterator<TcpReceiving> all = posted.iterator(); all.hasNext();) {
            TcpReceiving each = all.next();
            if (each.wants(message)) {
                all.remove();
                return each;
            }
        }
        if (message.frame().kind() == TcpFrame.WHOLE && message.connection() != null) {
            message.comes();
        }
        arrived.add(message);
        return null;
    }

    /** @return the message for it, if it can be received now; otherwise the receive will be told */
    synchronized @Nullable TcpArrival post(TcpReceiving receiving) {
        for (Iterator<TcpArrival> all = arrived.iterator(); all.hasNext();) {
            TcpArrival each = all.next();
            if (receiving.wants(each)) {
                all.remove();
                return each.isFor(receiving) ? each : null;
            }
        }
        posted.add(receiving);
        return null;
    }

    /** @return the first message that has come, or is about to, and is not received; null: there is none */
    synchronized @Nullable TcpArrival look(int from, int tag, int context) {
        for (TcpArrival each : arrived) {
            if (wants(each, from, tag, context)) {
                return each;
            }
        }
        return null;
    }

    /** The bytes of a message that was not waited for are here. @return the receive that is waiting for them by now */
    synchronized @Nullable TcpReceiving came(TcpArrival message) {
        return message.came();
    }

    /** @return the receives that wait for messages of this rank and of no other; they wait no longer */
    synchronized List<TcpReceiving> giveUp(int rank) {
        List<TcpReceiving> all = new ArrayList<>(posted);
        all.removeIf(each -> each.from() != rank);
        posted.removeAll(all);
        return all;
    }

    static boolean wants(TcpArrival message, int from, int tag, int context) {
        return context == message.frame().context() && (from == RankDevice.ANY || from == message.from())
                && (tag == RankDevice.ANY || tag == message.frame().tag());
    }
}
