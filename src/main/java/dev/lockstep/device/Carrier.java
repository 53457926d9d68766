package dev.lockstep.device;

import dev.lockstep.torch.Tensors.Flat;
import dev.lockstep.world.Op;

/** How values get from rank to rank. All ranks call the same with as many values of the same type. */
sealed interface Carrier permits HostCarrier,NcclCarrier {
    void allReduce(Flat from, Flat to, Op op);

    void broadcast(Flat from, Flat to, int root);

    void allGather(Flat from, Flat to);

    /** @param starts of each rank's block of what is combined, and its end */
    void reduceScatter(Flat from, Flat to, Op op, long[] starts);

    /** @param starts of what is for each rank, and its end */
    void allToAll(Flat from, Flat to, long[] starts);

    /** The receiver is there, and is about to {@link #receive}. */
    void send(Flat from, int rank);

    void receive(Flat to, int rank);

    /** All ranks of whom one waits for another are there. */
    void sendReceive(Flat from, int toRank, Flat to, int fromRank);
}
