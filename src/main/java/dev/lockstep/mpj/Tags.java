package dev.lockstep.mpj;

/**
 * The 64 bits by which UCX matches messages. From the highest: two bits for what a message is; of a message of a program
 * then its context (18), the sender's rank (12) and its tag (32); of what follows an announcement the sender's rank (12), the
 * announcement's number (34) and which piece it is (16).
 */
final class Tags {
    /** Ranks of a job that fit. */
    static final int RANKS = 1 << 12;
    /** MPJ takes about three for each communicator and never gives one back. */
    static final int CONTEXTS = 1 << 18;
    /** Announcements until their numbers begin again. */
    static final long NUMBERS = 1L << 34;
    /** Pieces of one message. */
    static final int PIECES = 1 << 16;
    /** A receive or a probe from anyone; any tag. */
    static final int ANY = RankDevice.ANY;

    // a message as it is; the announcement of one; what a receiver answers to that; a piece of what was announced
    private static final long WHOLE = 0;
    private static final long ANNOUNCEMENT = 1L << 62;
    private static final long READY = 2L << 62;
    private static final long PIECE = 3L << 62;

    private static final int CONTEXT_SHIFT = 44;
    private static final int RANK_SHIFT = 32;
    private static final long TAG_MASK = 0xffff_ffffL;
    private static final long RANK_MASK = (RANKS - 1L) << RANK_SHIFT;
    private static final long CONTEXT_MASK = (CONTEXTS - 1L) << CONTEXT_SHIFT;
    private static final long KIND_MASK = 3L << 62;
    private static final int PIECE_RANK_SHIFT = 50;
    private static final int NUMBER_SHIFT = 16;

    /** What {@link #wanted} says of any message of a program in any context. */
    static final long ANY_MESSAGE = WHOLE;
    static final long ANY_MESSAGE_MASK = READY;

    private Tags() {}

    /** @throws xdev.XDevException when there have been too many communicators */
    static long message(int context, int from, int tag, boolean announced) {
        if (context < 0 || context >= CONTEXTS) {
            throw new xdev.XDevException("a communicator with context " + context + ": over UCX there are at most "
                    + CONTEXTS + " contexts, about three for each communicator; --dev tcp has no such limit");
        }
        return (announced ? ANNOUNCEMENT : WHOLE) | (long) context << CONTEXT_SHIFT | (long) from << RANK_SHIFT
                | tag & TAG_MASK;
    }

    /** What a receive or a probe asks for; {@link #ANY} stands for itself. */
    static long wanted(int context, int from, int tag) {
        return message(context, from == ANY ? 0 : from, tag == ANY ? 0 : tag, false);
    }

    /** Which bits of what is wanted have to be met: the same whether the message is announced or comes as it is. */
    static long mask(int from, int tag) {
        return READY | CONTEXT_MASK | (from == ANY ? 0 : RANK_MASK) | (tag == ANY ? 0 : TAG_MASK);
    }

    static boolean isAnnounced(long tag) {
        return (tag & KIND_MASK) == ANNOUNCEMENT;
    }

    /** The sender of a message. */
    static int rank(long tag) {
        return (int) ((tag & RANK_MASK) >>> RANK_SHIFT);
    }

    /** The tag that its sender gave a message. */
    static int tag(long tag) {
        return (int) tag;
    }

    /** The receiver of the sender's announcement waits for its pieces. */
    static long ready(int sender, long number) {
        return READY | follows(sender, number);
    }

    static long piece(int sender, long number, int index) {
        return PIECE | follows(sender, number) | index;
    }

    private static long follows(int sender, long number) {
        return (long) sender << PIECE_RANK_SHIFT | (number & (NUMBERS - 1)) << NUMBER_SHIFT;
    }
}
