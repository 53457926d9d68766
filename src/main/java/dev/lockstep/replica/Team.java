package dev.lockstep.replica;

import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CudaException;
import dev.lockstep.decoder.Decoder;
import dev.lockstep.decoder.shard.Exchange;
import dev.lockstep.decoder.shard.PeerRoom;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.ReplicaException;
import dev.lockstep.device.CopyExchange;
import dev.lockstep.device.DeviceSums;
import dev.lockstep.host.UsageException;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * The neighbouring ranks that compute one model together, of as many teams as the world holds. All ranks of a team take the
 * same steps; what they cannot know alike its first rank tells them.
 */
public final class Team implements Replica {
    private final int number;
    private final int count;
    // null: this rank alone
    private final @Nullable Group ranks;
    private final @Nullable DeviceSums sums;

    private Team(int number, int count, @Nullable Group ranks, @Nullable DeviceSums sums) {
        this.number = number;
        this.count = count;
        this.ranks = ranks;
        this.sums = sums;
    }

    /** A rank without others. */
    public static Team alone() {
        return new Team(0, 1, null, null);
    }

    /**
     * Divides a world. A collective, but for teams of one rank.
     *
     * @param size ranks of a team
     * @throws ReplicaException when the ranks' GPUs cannot be connected
     */
    public static Team of(World world, int size, Device device) {
        if (size == 1) {
            return new Team(world.rank(), world.size(), null, null);
        }
        // the world's own collectives are faster than a group's
        Group ranks = size == world.size() ? world : world.group(world.rank() / size);
        return new Team(world.rank() / size, world.size() / size, ranks, sums(ranks, device));
    }

    private static DeviceSums sums(Group ranks, Device device) {
        if (!device.isCpu()) {
            Decoder.warm(device); // NCCL is found beside libtorch, and works on the device that is in use
        }
        try {
            return DeviceSums.of(ranks, device);
        } catch (CudaException | UnsatisfiedLinkError e) {
            throw new ReplicaException("--tensor-parallel needs GPUs that reach each other: " + e.getMessage(), e);
        }
    }

    /**
     * Finds out whether a team can have so many ranks.
     *
     * @throws UsageException in one sentence, when it cannot
     */
    public static void check(int size) {
        if (size < 1) {
            throw new UsageException("--tensor-parallel must be 1 or more, not " + size);
        }
    }

    /**
     * Finds out whether a world can be divided.
     *
     * @throws UsageException in one sentence, when it cannot
     */
    public static void check(int ranks, int size) {
        check(size);
        if (ranks % size != 0) {
            throw new UsageException("--tensor-parallel " + size + " takes ranks by " + size + ", and there "
                    + (ranks == 1 ? "is 1 rank" : "are " + ranks + " ranks") + ": give -np a multiple of " + size);
        }
    }

    /** Which of the teams it is, from 0. */
    public int number() {
        return number;
    }

    /** How many teams there are. */
    public int count() {
        return count;
    }

    /** Whether this is the team's first rank, which speaks for it. */
    public boolean leads() {
        return rank() == 0;
    }

    /**
     * What the first rank says, on all of the team.
     *
     * @param value the first rank's; the others' is not looked at
     */
    public <T> T told(T value, Class<T> type) {
        return ranks == null ? value : ranks.broadcast(leads() ? value : null, type);
    }

    @Override
    public int rank() {
        return ranks == null ? 0 : ranks.rank();
    }

    @Override
    public int size() {
        return ranks == null ? 1 : ranks.size();
    }

    @Override
    public void sum(long address, long count, ScalarType type) {
        if (sums != null) {
            sums.sum(address, count, type);
        }
    }

    @Override
    public void gather(long address, long count, ScalarType type) {
        if (sums != null) {
            sums.gather(address, count, type);
        }
    }

    @Override
    public boolean isOrdered() {
        return sums == null || sums.isOrdered();
    }

    @Override
    public @Nullable PeerRoom peerRoom() {
        DeviceSums.Aside aside = sums == null ? null : sums.aside();
        return aside == null ? null : new PeerRoom(aside.address(), aside.bytes());
    }

    @Override
    public @Nullable Exchange exchange(long bytes) {
        CopyExchange copies = sums == null ? null : sums.copies(Exchange.SLOTS, bytes);
        return copies == null ? null : copies::exchange;
    }

    @Override
    public long least(long value) {
        return ranks == null ? value : ranks.allReduce(value, Op.MIN);
    }
}
