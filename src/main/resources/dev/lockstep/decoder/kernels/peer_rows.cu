// What the GPUs of several ranks tell each other of a row, in the middle of a kernel that has one block a row and that all of them
// launch alike: each writes to the memory of the others, says so there, and waits until they have said so here. The ranks'
// launches of such kernels must be the same, in the same order.
//
// Each has a piece of memory that begins, as PeerRoom.java says, with the addresses of all ranks' pieces, by rank; then come, for
// each row, how many turns it has had; for each rank and row how many that one has had; two turns' keys of each rank and row;
// and two turns' rooms for what each rank has. When a row's block has heard of turn n from another
// rank, that one has done with turn n - 1, so what is written in turn n + 1 overwrites nothing that is still to be read; what
// is at a place is of one row always. ROWS, the most rows, MOST_RANKS and TURNS, where they begin, come as constants from
// PeerRows.java.

#define TOLD (TURNS + ROWS * 4ll)
#define KEYS (TOLD + MOST_RANKS * ROWS * 4ll)
#define ROOMS (KEYS + 2 * MOST_RANKS * ROWS * 8ll)

__device__ __forceinline__ char *pieceOf(const char *own, int rank) {
    return ((char *const *)own)[rank];
}

// The turn that a row's block is to take, the same in all of its threads.
__device__ __forceinline__ unsigned nextTurn(const char *own) {
    return ((const unsigned *)(own + TURNS))[blockIdx.x] + 1;
}

// Where in every piece a rank's values of this turn are, room bytes of all rows.
__device__ __forceinline__ long long roomOf(int rank, unsigned turn, int size, long long room) {
    return ROOMS + ((turn & 1) * size + rank) * room;
}

// Where in every piece a rank's key of the block's row is.
__device__ __forceinline__ long long keyAt(int rank, unsigned turn) {
    return KEYS + (((turn & 1) * MOST_RANKS + rank) * ROWS + blockIdx.x) * 8ll;
}

// Ends what this block writes in a turn, and waits for what the others do.
__device__ __forceinline__ void exchanged(char *own, int rank, int size, unsigned turn) {
    __syncthreads();
    if (threadIdx.x < size && threadIdx.x != rank) {
        unsigned *there = (unsigned *)(pieceOf(own, threadIdx.x) + TOLD) + rank * ROWS + blockIdx.x;
        asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(there), "r"(turn) : "memory");
        unsigned *here = (unsigned *)(own + TOLD) + threadIdx.x * ROWS + blockIdx.x;
        unsigned seen;
        do {
            asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(seen) : "l"(here) : "memory");
        } while ((int)(seen - turn) < 0);
    }
    if (threadIdx.x == rank) {
        ((unsigned *)(own + TURNS))[blockIdx.x] = turn;
    }
    __syncthreads();
}

// What another GPU has written, which no cache of this one's may have kept.
__device__ __forceinline__ uint4 written(const uint4 *from) {
    uint4 bits;
    asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(bits.x), "=r"(bits.y), "=r"(bits.z), "=r"(bits.w)
                 : "l"(from)
                 : "memory");
    return bits;
}
