package dev.lockstep.world;

import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Amounts;
import dev.lockstep.host.ExitCode;
import dev.lockstep.wire.Message;
import dev.lockstep.world.rank.Ending;
import dev.lockstep.world.rank.Heartbeat;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;
import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Calls;
import dev.lockstep.world.verbs.Channel;
import dev.lockstep.world.verbs.CollectiveTracker;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Members;
import dev.lockstep.world.verbs.Messages;
import dev.lockstep.world.verbs.Verb;

/** What all groups of a rank share. */
final class Session {
    private final @Nullable Heartbeat reporter; // null: nobody watches
    private final Transport transport;
    private final @Nullable SharedMemory memory; // null: no ranks share any
    private final Ending ending;
    private @Nullable Collectives ofWorld;
    private int nextGroup = 1;

    Session(@Nullable Heartbeat reporter, Transport transport, @Nullable SharedMemory memory, Ending ending) {
        this.reporter = reporter;
        this.transport = transport;
        this.memory = memory;
        this.ending = ending;
    }

    Ending ending() {
        return ending;
    }

    /** To the launcher, if there is one. */
    void tell(Message message) {
        if (reporter != null) {
            reporter.tell(message);
        }
    }

    /** The program lives although it enters no collective. */
    void atWork() {
        if (reporter != null) {
            reporter.atWork();
        }
    }

    Messages messages(Members members) {
        Messages messages = new Messages(transport, members, memory, ending::checkOpen);
        if (reporter != null) {
            reporter.watch(messages);
        }
        return messages;
    }

    /** Those of all ranks are the same ones each time. */
    Collectives collectives(Members members) {
        if (members.id() > 0) {
            return begin(members);
        }
        if (ofWorld == null) {
            ofWorld = begin(members);
        }
        return ofWorld;
    }

    private Collectives begin(Members members) {
        CollectiveTracker standing = new CollectiveTracker(members);
        Collectives collectives = new Collectives(new Channel(transport, members), standing, ending::checkOpen,
                members.id() == 0 ? memory : null);
        if (reporter != null) {
            if (members.id() > 0 && members.self() == 0) {
                tell(new Message.Formed(members.id(), members.leader(),
                        Arrays.stream(members.world()).boxed().toList()));
            }
            reporter.watch(standing, collectives);
        }
        return collectives;
    }

    /** Has the launcher end the job when a collective of these members takes longer. */
    Calls.Alarm alarm(Members members, Duration limit) {
        return (number, call) -> {
            ScheduledFuture<?> alarm = Clock.THREAD.schedule(() -> late(members, number, call, limit), limit.toNanos(),
                    TimeUnit.NANOSECONDS);
            return () -> alarm.cancel(false);
        };
    }

    private void late(Members members, int number, String call, Duration limit) {
        if (reporter == null) {
            ending.abort(ExitCode.TIMED_OUT.code(), "rank " + members.world()[members.self()] + " has been in " + call
                    + " for " + Amounts.seconds(limit.toMillis()) + " s, as long as it was to");
        }
        tell(new Message.Late(members.id(), members.leader(), number, limit.toMillis()));
    }

    /** Apart, since few programs have limits of their own. */
    private static final class Clock {
        static final ScheduledThreadPoolExecutor THREAD = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "lockstep-limits");
            thread.setDaemon(true);
            return thread;
        });

        static {
            THREAD.setRemoveOnCancelPolicy(true);
        }
    }

    /** The members of this rank's new group. All ranks of the parent compute the same from what all have told. */
    synchronized Members form(Members parent, Collectives collectives, int colour, int key) {
        List<int[]> all = collectives.allGather(new int[]{colour, key, nextGroup}, ArrayCodec.INTS, Verb.GROUP);
        int first = all.stream().mapToInt(each -> each[2]).max().orElseThrow();
        int[] colours = all.stream().mapToInt(each -> each[0]).distinct().sorted().toArray();
        nextGroup = first + colours.length;
        List<Integer> ranks = IntStream.range(0, all.size()).filter(rank -> all.get(rank)[0] == colour).boxed()
                .sorted(Comparator.comparingInt(rank -> all.get(rank)[1])).toList();
        return new Members(first + Arrays.binarySearch(colours, colour),
                ranks.stream().mapToInt(rank -> parent.world()[rank]).toArray(), ranks.indexOf(parent.self()));
    }
}
