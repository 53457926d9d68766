package dev.lockstep.world;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.wire.Message;
import dev.lockstep.world.transport.SharedMemory;
import dev.lockstep.world.transport.Transport;
import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Channel;
import dev.lockstep.world.verbs.CollectiveTracker;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Members;
import dev.lockstep.world.verbs.Messages;
import dev.lockstep.world.verbs.Verb;

/** What all groups of a rank share. */
final class Session {
    private final @Nullable ControlLink link; // null: there is no launcher
    private final Transport transport;
    private final @Nullable SharedMemory memory; // null: not all ranks share some
    private final Shutdown ending;
    private int nextGroup = 1;

    Session(@Nullable ControlLink link, Transport transport, @Nullable SharedMemory memory, Shutdown ending) {
        this.link = link;
        this.transport = transport;
        this.memory = memory;
        this.ending = ending;
    }

    Shutdown ending() {
        return ending;
    }

    /** To the launcher, if there is one. */
    void tell(Message message) {
        if (link == null) {
            return;
        }
        try {
            link.send(message);
        } catch (IOException e) {
            // the link's reader ends this process
        }
    }

    /** The program lives although it enters no collective. */
    void atWork() {
        if (link != null) {
            link.reporter().atWork();
        }
    }

    Messages messages(Members members) {
        Messages messages = new Messages(new Channel(transport, members, memory), ending::checkOpen);
        if (link != null) {
            link.reporter().watch(messages);
        }
        return messages;
    }

    Collectives collectives(Members members) {
        CollectiveTracker standing = new CollectiveTracker(members);
        Collectives collectives = new Collectives(new Channel(transport, members, memory), standing, ending::checkOpen,
                members.id() == 0 ? memory : null);
        if (link != null) {
            if (members.id() > 0 && members.self() == 0) {
                tell(new Message.Formed(members.id(), members.leader(),
                        Arrays.stream(members.world()).boxed().toList()));
            }
            link.reporter().watch(standing, collectives);
        }
        return collectives;
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
