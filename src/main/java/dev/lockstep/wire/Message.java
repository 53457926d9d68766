package dev.lockstep.wire;

import java.util.List;

/** What a rank and its launcher tell each other over the control link; {@link Frames} puts it into bytes, {@link SealedLink} sees that
 * it is they who say it. */
public sealed interface Message {

    /**
     * A rank's first message.
     *
     * @param rank who speaks
     * @param pid  its process
     * @param host where it runs
     */
    record Hello(int rank, long pid, String host) implements Message {}

    /**
     * How a rank is reached over UCX.
     *
     * @param address empty: it is not
     * @param reason  why it is not; empty otherwise
     */
    record Worker(byte[] address, String reason) implements Message {}

    /**
     * The launcher's answer once every rank has sent its own.
     *
     * @param addresses in the order of the ranks; none: some rank has no UCX, and all take TCP
     */
    record Workers(List<byte[]> addresses) implements Message {
        public Workers {
            addresses = List.copyOf(addresses);
        }
    }

    /**
     * Where a rank listens for the others: on one port over Lockstep's own TCP, on two over MPJ Express's own device.
     *
     * @param address     its peers reach it by
     * @param readPort    the only one of Lockstep's; 0, as the other, in a world of one, which needs none
     * @param writePort   0 where there is but one
     * @param certificate the sum of the one that it shows those who connect to it; empty: nothing is encrypted
     */
    record Ports(String address, int readPort, int writePort, String certificate) implements Message {}

    /** The launcher's answer once it has the ports of every rank, sorted by rank. */
    record Table(List<Peer> peers) implements Message {
        public Table {
            peers = List.copyOf(peers);
        }
    }

    /**
     * The rank is through {@code MPI.Init}.
     *
     * @param shares whether the ranks of a host share memory
     */
    record Joined(boolean shares) implements Message {
        /** What keeps a rank from it. */
        public static final String WHY_NOT = "either something that is no rank has connected to MPJ Express's ports, or "
                + "the ranks cannot reach each other's: open ports 25000 to 40000 to the job's hosts and to nobody else";
    }

    /**
     * A rank's last message when it ends the whole job.
     *
     * @param code  the job's exit code; with 2 the cause is a sentence for the user as it stands
     * @param cause why, in one line
     */
    record Failure(int code, String cause) implements Message {
        /** In the cause where a message could not be sent or received: its other end may have died before. */
        public static final String OF_MESSAGES = "MPJ Express failed: ";
    }

    /**
     * What is kept of the work, should the job end now.
     *
     * @param place  where the rows are kept; empty: nothing would be lost
     * @param before rows that earlier runs have kept
     * @param advice what to do to go on
     */
    record Kept(String place, long before, String advice) implements Message {}

    /**
     * All work of the job is done and where it belongs: there is no reason any more to start its ranks again.
     *
     * @param code how the job ends, should a rank not end by itself
     */
    record Done(int code) implements Message {}

    /**
     * What the job is at, in one line for those who watch it.
     *
     * @param passing the next such line replaces it
     */
    record Doing(String what, boolean passing) implements Message {}

    /**
     * How far a rank is.
     *
     * @param done           rows finished
     * @param total          rows it has to do
     * @param tokens         tokens generated
     * @param tokensToCome   as far as can be told, or -1
     * @param all            rows that all ranks have to do, or -1 where this one does not know
     * @param secondsElapsed since it began to count
     */
    record Progress(long done, long total, long tokens, long tokensToCome, long all,
            double secondsElapsed) implements Message {}

    /**
     * A rank's last message when it ends in good order; the others go on. The launcher's answer, once all ranks have
     * ended so, lets their processes end.
     */
    record Bye(int exitCode) implements Message {}

    /**
     * The launcher's answer once every rank has said bye or is gone. A rank that ended before would take the others' MPI
     * with it.
     */
    record Release() implements Message {}

    /**
     * The first message of an agent, which starts ranks on a host for the launcher.
     *
     * @param index     which of the job's agents speaks
     * @param host      the host's name for itself
     * @param localRank where a batch system placed it, or -1
     * @param localSize how many the batch system placed there
     */
    record AgentHello(int index, String host, int localRank, int localSize) implements Message {}

    /**
     * The launcher's answer: what the agent starts.
     *
     * @param ownOutput whether ranks write to the agent's own stdout and stderr instead of the launcher's
     */
    record Assignment(HostRanks share, JobSpec job, boolean ownOutput) implements Message {}

    /**
     * A rank wrote this.
     *
     * @param stream 1 or 2
     * @param more   whether the rest of the same line follows
     */
    record Output(int rank, int stream, boolean more, byte[] bytes) implements Message {}

    /** A rank's process has ended, with 128 + signal when one killed it. */
    record Exited(int rank, int code) implements Message {}

    /** All that the agent's ranks wrote has been sent. */
    record Drained() implements Message {}

    /** The launcher asks a rank's processes to end; the rank itself may be left alone to say how it ended. */
    record End(int rank, boolean sparesRank) implements Message {}

    /** The launcher has those killed that it asked to end. */
    record Kill(int rank) implements Message {}

    /** The launcher asks how much a rank's process has run, since the rank itself is silent. */
    record Look(int rank) implements Message {}

    /** So much a rank's process has run, or waited for a processor, since it began; below 0 where that cannot be known. */
    record Ran(int rank, long nanos) implements Message {}

    /** The launcher's last message to an agent, which ends with this code. */
    record Dismiss(int code) implements Message {}

    /**
     * Either side's heartbeat, once a second.
     *
     * @param atWork whether the rank's program has said so since the last one
     */
    record Heartbeat(boolean atWork) implements Message {}

    /**
     * Some ranks form a group whose collectives count for themselves; its rank 0 says so. The world needs no such
     * message.
     *
     * @param group  its id, from 1, the same for groups that share no rank
     * @param leader the lowest rank in it; with the id it names the group
     * @param ranks  the members
     */
    record Formed(int group, int leader, List<Integer> ranks) implements Message {
        public Formed {
            ranks = List.copyOf(ranks);
        }
    }

    /**
     * The rank's program has let go of a group, and can enter none of its collectives any more.
     *
     * @param group  its id
     * @param leader the lowest rank in it
     */
    record Left(int group, int leader) implements Message {}

    /**
     * Where a rank stands in a group's sequence of collectives.
     *
     * @param group  0 for the world
     * @param leader the lowest rank in it
     * @param number of the collective, from 1
     * @param call   the collective in words, such as {@code gather #6 (root 1)}
     * @param inside whether the rank is in it; otherwise it has left it
     * @param millis since when
     */
    record Position(int group, int leader, int number, String call, boolean inside, long millis) implements Message {}

    /**
     * A message between two ranks that one of them waits for.
     *
     * @param peer  the other rank; {@link #ANY} where it is whichever sends
     * @param sends whether the one that waits is the sender
     * @param tag   the message's, or {@link #ANY}
     * @param millis since when
     */
    record Wait(int peer, boolean sends, int tag, long millis) {
        /** Stands for every rank or tag. */
        public static final int ANY = -1;

        /** The message in words, such as {@code for a message of rank 1 with tag 3}. */
        public String text() {
            return (sends
                    ? "for rank " + peer + " to receive a message"
                    : "for a message of " + (peer == ANY ? "any rank" : "rank " + peer))
                    + (tag == ANY ? " with any tag" : " with tag " + tag);
        }
    }

    /**
     * A collective has taken as long as its caller would have it take at most.
     *
     * @param group  0 for the world
     * @param leader the lowest rank in it
     * @param number of the collective
     * @param millis the limit
     */
    record Late(int group, int leader, int number, long millis) implements Message {}

    /** All messages that a rank has waited for for a while; said again as long as there are some, and once when not. */
    record Waits(List<Wait> all) implements Message {
        public Waits {
            all = List.copyOf(all);
        }
    }
}
