package dev.lockstep.decoder;

import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.shard.PeerRoom;
import dev.lockstep.decoder.shard.Replica;

/**
 * What the GPUs of ranks that compute a model together tell each other of rows in the middle of a step's kernels, as
 * {@code peer_rows.cu} says: without a launch of its own, and without its values' ways to memory and back.
 *
 * @param address of this rank's memory for it
 * @param room    bytes of all rows that each rank gives the others in a turn, at most
 */
record PeerRows(long address, int rank, int size, long room) {
    /**
     * The most rows: a row's block waits for those of the other GPUs, so all of a launch's blocks are to be on the
     * multiprocessors at once.
     */
    static final int MOST_ROWS = 128;
    /** So many there is room to tell of. */
    private static final int ROWS = 1024;
    private static final int MOST_RANKS = 8;
    /** What comes before the rooms: turns, what is told of them, and keys. */
    private static final long BEFORE = PeerRoom.ADDRESS_BYTES + Integer.BYTES * (1L + MOST_RANKS) * ROWS
            + 2L * MOST_RANKS * ROWS * Long.BYTES;
    private static final int ALIGNMENT = 256;
    /**
     * What a launch and a norm that reads sums back cost, in bytes that a GPU writes meanwhile: so many more may be written here,
     * where every rank gives all others all that it has, than where each sums a slice.
     */
    private static final long WORTH_BYTES = 1_500_000;

    /** Null where the ranks' GPUs do not reach each other. */
    static @Nullable PeerRows of(Replica replica) {
        PeerRoom room = replica.peerRoom();
        int size = replica.size();
        return room == null || size > MOST_RANKS
                ? null
                : new PeerRows(room.address(), replica.rank(), size,
                        (room.bytes() - BEFORE) / (2L * size) / ALIGNMENT * ALIGNMENT);
    }

    /** Macros of {@code peer_rows.cu}. */
    static List<String> definitions() {
        return List.of("PEERS=1", "ROWS=" + ROWS, "TURNS=" + PeerRoom.ADDRESS_BYTES, "MOST_RANKS=" + MOST_RANKS);
    }

    /** Whether so many rows of so many bytes are summed faster so than by {@link Replica#sum}. */
    boolean sums(int rows, long bytes) {
        long all = rows * bytes;
        return rows <= MOST_ROWS && all <= room && all * (size - 1) * (size - 2) / size <= WORTH_BYTES;
    }
}
