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
     * @param tokensToCome   as far as can be told, or -1
     * @param secondsElapsed since it began to count
     */
    record Progress(long done, long total, long tokens, long tokensToCome, double secondsElapsed) implements Message {}

    /** A rank's last message when it ends in good order; the others go on. */
    record Bye(int exitCode) implements Message {}

    /**
     * The launcher's answer once every rank has said bye or is gone. A rank that ended before would take the others' MPI
     * with it.
     */
    record Over() implements Message {}
}
