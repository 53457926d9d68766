package dev.lockstep.world.verbs;

import java.nio.ByteBuffer;

import dev.lockstep.world.transport.SharedMemory;

/**
 * The steps that all ranks take together in memory that they share: in each, whoever has something to say writes it into its
 * slot, and the others read it; while they do, the next goes into the other slot. A slot begins with the call that it belongs
 * to, so that ranks which are in different calls notice, and with a length.
 */
final class SharedSteps {
    static final int LENGTH_AT = Long.BYTES;
    /** Where there is room for a number of each rank. */
    static final int LENGTHS_AT = 16;
    static final int ALIGNED = 64;

    private final SharedMemory memory;
    private final Members members;
    private final int rank;
    private final int size;
    private final SharedMemory.Watch watch = this::check;
    private final int head;
    private long count;
    private int which;
    private boolean open;
    private CollectiveTracker.Call call = new CollectiveTracker.Call(0, Verb.BARRIER, Codec.Kind.OBJECTS, 0);

    SharedSteps(SharedMemory memory, Members members) {
        this.memory = memory;
        this.members = members;
        this.rank = members.self();
        this.size = members.size();
        this.head = (LENGTHS_AT + size * Integer.BYTES + ALIGNED - 1) / ALIGNED * ALIGNED;
    }

    Members members() {
        return members;
    }

    /** Before every collective, whether or not it is of these steps: others may wait for this rank. */
    void enter(CollectiveTracker.Call next) {
        call = next;
        memory.enter(code(next));
    }

    /** Where the values begin in a slot. */
    int head() {
        return head;
    }

    /** Bytes of values that a slot has room for. */
    int room() {
        return memory.slotLength() - head;
    }

    /** A rank's slot of this step as it is now; who may write what where is for the verbs. */
    ByteBuffer slot(int of) {
        return memory.slot(of, which);
    }

    /** This rank's slot of the next step, once nobody reads it any more. */
    ByteBuffer next(int length) {
        memory.awaitAll(count, watch);
        which = 1 - which;
        open = true;
        return memory.slot(rank, which).putLong(0, code(call)).putInt(LENGTH_AT, length);
    }

    /** Others may read what this rank has written in this step; all that it has read in the steps before is theirs again. */
    void arrive() {
        open = false;
        memory.arrive(++count);
    }

    /** A rank's slot of this step, once that rank has arrived; this one need not have. */
    ByteBuffer of(int from) {
        memory.await(from, open ? count + 1 : count, watch);
        ByteBuffer slot = memory.slot(from, which);
        if (slot.getLong(0) != code(call)) {
            throw different(from, slot.getLong(0));
        }
        return slot;
    }

    private void check(int from, long doing) {
        long mine = code(call);
        if (doing != mine && doing >>> Integer.SIZE >= call.number()) {
            throw different(from, doing);
        }
    }

    private IllegalStateException different(int from, long code) {
        CollectiveTracker.Call theirs = new CollectiveTracker.Call((int) (code >>> Integer.SIZE),
                Verb.values()[(int) (code >>> 24) & 0xff], Codec.Kind.values()[(int) (code >>> 16) & 0xff],
                (int) code & 0xffff);
        return call.differsFrom(theirs, members, from);
    }

    private static long code(CollectiveTracker.Call call) {
        return (long) call.number() << Integer.SIZE | call.verb().ordinal() << 24 | call.kind().ordinal() << 16
                | call.root();
    }
}
