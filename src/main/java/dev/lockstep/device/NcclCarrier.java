package dev.lockstep.device;

import com.sun.jna.Pointer;

import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Nccl;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.Tensors.Flat;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;

/** From GPU to GPU, in libtorch's current stream of the calling thread. */
final class NcclCarrier implements Carrier {
    private final Nccl nccl;
    private final int rank;
    private final int size;

    NcclCarrier(Nccl nccl, int rank, int size) {
        this.nccl = nccl;
        this.rank = rank;
        this.size = size;
    }

    /** Joins a group's ranks; to be called by all of them. */
    static Nccl connect(Group ranks) {
        byte[] id = ranks.bytes().broadcast(ranks.isRoot() ? Nccl.newId() : null, 0);
        return new Nccl(id, ranks.size(), ranks.rank());
    }

    @Override
    public void allReduce(Flat from, Flat to, Op op) {
        nccl.allReduce(from.memory(), to.memory(), from.count(), type(from), reduction(op), CudaDriver.stream());
    }

    @Override
    public void broadcast(Flat from, Flat to, int root) {
        nccl.broadcast(from.memory(), to.memory(), from.count(), type(from), root, CudaDriver.stream());
    }

    @Override
    public void allGather(Flat from, Flat to) {
        nccl.allGather(from.memory(), to.memory(), from.count(), type(from), CudaDriver.stream());
    }

    /** NCCL's own is for blocks of one length. */
    @Override
    public void reduceScatter(Flat from, Flat to, Op op, long[] starts) {
        Pointer stream = CudaDriver.stream();
        if (from.count() % size == 0 && starts[1] == from.count() / size && to.count() == starts[1]
                && starts[size - 1] == from.count() - starts[1]) {
            nccl.reduceScatter(from.memory(), to.memory(), to.count(), type(from), reduction(op), stream);
            return;
        }
        nccl.together(() -> {
            for (int root = 0; root < size; root++) {
                long count = starts[root + 1] - starts[root];
                if (count > 0) {
                    nccl.reduce(from.at(starts[root]), to.memory(), count, type(from), reduction(op), root, stream);
                }
            }
        });
    }

    @Override
    public void allToAll(Flat from, Flat to, long[] starts) {
        Pointer stream = CudaDriver.stream();
        long mine = starts[rank + 1] - starts[rank];
        nccl.together(() -> {
            for (int peer = 0; peer < size; peer++) {
                long theirs = starts[peer + 1] - starts[peer];
                if (theirs > 0) {
                    nccl.send(from.at(starts[peer]), theirs, type(from), peer, stream);
                }
                if (mine > 0) {
                    nccl.receive(to.at(peer * mine), mine, type(to), peer, stream);
                }
            }
        });
    }

    @Override
    public void send(Flat from, int to) {
        nccl.send(from.memory(), from.count(), type(from), to, CudaDriver.stream());
    }

    @Override
    public void receive(Flat to, int from) {
        nccl.receive(to.memory(), to.count(), type(to), from, CudaDriver.stream());
    }

    @Override
    public void sendReceive(Flat from, int toRank, Flat to, int fromRank) {
        Pointer stream = CudaDriver.stream();
        nccl.together(() -> {
            if (from.count() > 0) {
                nccl.send(from.memory(), from.count(), type(from), toRank, stream);
            }
            if (to.count() > 0) {
                nccl.receive(to.memory(), to.count(), type(to), fromRank, stream);
            }
        });
    }

    private static Nccl.Type type(Flat values) {
        ScalarType type = values.type();
        return Nccl.Type.valueOf(type.name());
    }

    private static Nccl.Reduction reduction(Op op) {
        return Nccl.Reduction.valueOf(op.name());
    }
}
