package dev.lockstep.wire;

import java.util.List;

/** What a rank and its launcher tell each other over the control link; {@link Frames} puts it into bytes. */
public sealed interface Message {

    /**
     * A rank's first message.
     *
     * @param token the job's token; a link that does not show it is dropped
     * @param rank  who speaks
     * @param pid   its process
     * @param host  where it runs
     */
    record Hello(String token, int rank, long pid, String host) implements Message {}

    /** A rank's MPI sockets listen on these ports; 0 and 0 in a world of one, which needs none. */
    record Ports(int readPort, int writePort) implements Message {}

    /** The launcher's answer once it has the ports of every rank, sorted by rank. */
    record Table(List<Peer> peers) implements Message {
        public Table {
            peers = List.copyOf(peers);
        }
    }

    /**
     * A rank's last message when it ends the whole job.
     *
     * @param code  the job's exit code; with 2 the cause is a sentence for the user as it stands
     * @param cause why, in one line
     */
    record Failure(int code, String cause) implements Message {}

    /**
     * How far a rank is.
     *
     * @param done           rows finished
     * @param total          rows it has to do
     * @param tokens         tokens generated
     * @param secondsElapsed since it began to count
     */
    record Progress(long done, long total, long tokens, double secondsElapsed) implements Message {}

    /**
     * A rank's last message when it ends in good order; the others go on. The launcher's answer, once all ranks have
     * ended so, lets their processes end.
     */
    record Bye(int exitCode) implements Message {}

    /**
     * Either side's sign of life, once a second.
     *
     * @param atWork whether the rank's program has said so since the last one
     */
    record Alive(boolean atWork) implements Message {}

    /**
     * Some ranks form a group whose collectives count for themselves; its rank 0 says so. The world needs no such
     * message.
     *
     * @param group  its id, from 1, the same for groups that share no rank
     * @param leader the least rank in it; with the id it names the group
     * @param ranks  the members
     */
    record Formed(int group, int leader, List<Integer> ranks) implements Message {
        public Formed {
            ranks = List.copyOf(ranks);
        }
    }

    /**
     * Where a rank stands in a group's sequence of collectives.
     *
     * @param group  0 for the world
     * @param leader the least rank in it
     * @param number of the collective, from 1
     * @param call   the collective in words, such as {@code gather #6 (root 1)}
     * @param inside whether the rank is in it; otherwise it has left it
     * @param millis since when
     */
    record Position(int group, int leader, int number, String call, boolean inside, long millis) implements Message {}
}
