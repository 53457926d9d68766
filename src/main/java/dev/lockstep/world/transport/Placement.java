package dev.lockstep.world.transport;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Which ranks of a job are on one host.
 *
 * @param hostOf of each rank the number of its host; hosts are numbered by their lowest ranks
 * @param self   this rank
 */
public record Placement(int[] hostOf, int self) {
    private static final int ASKING = 5;
    private static final long FNV_BASE = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    public static Placement oneHost(int size, int self) {
        return new Placement(new int[size], self);
    }

    /**
     * What the ranks tell each other; called by all at once.
     *
     * @param host this rank's, by the name that all ranks of it give it
     */
    public static Placement exchange(Transport transport, String host) {
        long sum = FNV_BASE;
        for (byte each : host.getBytes(StandardCharsets.UTF_8)) {
            sum = (sum ^ each & 0xff) * FNV_PRIME;
        }
        long[] all = all(transport, sum);
        long[] hosts = LongStream.of(all).distinct().toArray();
        return new Placement(Arrays.stream(all)
                .mapToInt(each -> IntStream.range(0, hosts.length).filter(i -> hosts[i] == each).findFirst()
                        .orElseThrow())
                .toArray(), transport.rank());
    }

    /** A number of each rank; up a binomial tree to rank 0 and down again, so that no rank connects to many. */
    static long[] all(Transport transport, long mine) {
        int rank = transport.rank();
        int size = transport.size();
        byte[] bytes = new byte[Math.max(size * Long.BYTES, Chunk.HEADER)];
        ByteBuffer numbers = ByteBuffer.wrap(bytes).putLong(rank * Long.BYTES, mine);
        int below = 1; // ranks of which this one knows, itself the first
        while (below < size && (rank & below) == 0) {
            int end = Math.min(size, rank + 2 * below);
            if (rank + below < size) {
                int unused = transport.receive(bytes, (rank + below) * Long.BYTES, (end - rank - below) * Long.BYTES,
                        rank + below, ASKING);
            }
            below *= 2;
        }
        if (rank > 0) {
            transport.send(bytes, rank * Long.BYTES, (Math.min(size, rank + below) - rank) * Long.BYTES, rank - below,
                    ASKING);
            int unused = transport.receive(bytes, 0, size * Long.BYTES, rank - below, ASKING);
        }
        for (int child = below / 2; child > 0; child /= 2) {
            if (rank + child < size) {
                transport.send(bytes, 0, size * Long.BYTES, rank + child, ASKING);
            }
        }
        long[] all = new long[size];
        numbers.asLongBuffer().get(all);
        return all;
    }

    /** How many hosts there are. */
    public int hosts() {
        return Arrays.stream(hostOf).max().orElseThrow() + 1;
    }

    /** The number of this rank's host. */
    public int host() {
        return hostOf[self];
    }

    /** Whether every rank has a host to itself. */
    public boolean isAlone() {
        return hosts() == hostOf.length;
    }

    /** The ranks of a host. */
    public int[] ranksOf(int host) {
        return IntStream.range(0, hostOf.length).filter(rank -> hostOf[rank] == host).toArray();
    }

    /** The ranks of this host. */
    public int[] here() {
        return ranksOf(host());
    }

    /** The lowest rank of each host. */
    public int[] leaders() {
        return IntStream.range(0, hosts()).map(host -> ranksOf(host)[0]).toArray();
    }

    /** Which of its host's ranks one is, from 0. */
    public int indexHere(int rank) {
        int index = 0;
        for (int before = 0; before < rank; before++) {
            index += hostOf[before] == hostOf[rank] ? 1 : 0;
        }
        return index;
    }

    /** Whether a rank is on this host. */
    public boolean isHere(int rank) {
        return hostOf[rank] == host();
    }
}
