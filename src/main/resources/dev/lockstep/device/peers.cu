// The sum of what several GPUs have, each reached by the others: values [16 * packs bytes], in place, in the order of the
// ranks, so that all get the same bits. STORAGE is torch's number of the type, 5 float16, 6 float32, 15 bfloat16; sums are in
// float and rounded once.
//
// peerSum gives each rank all values of all others; peerSumBySlices gives each rank its slice of them, the ranks' number
// being that of the slices, and each gives its sums to the others: fewer bytes where ranks are more than two, and one more
// wait. Both give the same bits.
//
// Each GPU has a piece of memory that all write to, laid out as PeerSums.java says: the addresses of all ranks' pieces; for
// each block how many turns it has had; for each rank and block how many that one has had; and rooms for what ranks have,
// two for each, which take turns. A block writes its part of the values into the others' memory, then says so there, and
// waits until they have said so here. When it has heard of turn n from another rank that one has done with turn n - 1, so
// what is written in turn n + 1 overwrites nothing that is still to be read. What is at a place of a room is always written
// and read by blocks of one number.
//
// A block waits as often as patience says, and for ever where that is 0; the sum of one that has given up is wrong.
//
// BLOCKS blocks of THREADS threads, always. Bytes to other GPUs, and as many from them: 16 packs (size - 1), of slices
// 32 packs (size - 1) / size.

#if STORAGE == 6
#define PACK 4
#else
#define PACK 8
#endif

__device__ __forceinline__ void add(float (&sum)[PACK], uint4 bits) {
    unsigned word[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
#if STORAGE == 6
        sum[i] += __uint_as_float(word[i]);
#elif STORAGE == 15
        sum[2 * i] += __uint_as_float(word[i] << 16);
        sum[2 * i + 1] += __uint_as_float(word[i] & 0xffff0000u);
#else
        float low, high;
        asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h;}"
            : "=f"(low), "=f"(high)
            : "r"(word[i]));
        sum[2 * i] += low;
        sum[2 * i + 1] += high;
#endif
    }
}

__device__ __forceinline__ uint4 rounded(const float (&sum)[PACK]) {
    unsigned word[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
#if STORAGE == 6
        word[i] = __float_as_uint(sum[i]);
#elif STORAGE == 15
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word[i]) : "f"(sum[2 * i + 1]), "f"(sum[2 * i]));
#else
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word[i]) : "f"(sum[2 * i + 1]), "f"(sum[2 * i]));
#endif
    }
    return make_uint4(word[0], word[1], word[2], word[3]);
}

__device__ __forceinline__ uint4 fetched(const uint4 *from) {
    uint4 bits;
    asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(bits.x), "=r"(bits.y), "=r"(bits.z), "=r"(bits.w)
                 : "l"(from)
                 : "memory");
    return bits;
}

// Says to all others that this block has written what it has for a turn, and waits until all of them have.
__device__ __forceinline__ void exchanged(char *own, int rank, int size, unsigned turn, int patience) {
    __syncthreads();
    if (threadIdx.x < size && threadIdx.x != rank) {
        unsigned *there = (unsigned *)(((char *const *)own)[threadIdx.x] + FLAGS) + rank * BLOCKS + blockIdx.x;
        asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(there), "r"(turn) : "memory");
        unsigned *here = (unsigned *)(own + FLAGS) + threadIdx.x * BLOCKS + blockIdx.x;
        unsigned seen;
        int looked = 0;
        do {
            asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(seen) : "l"(here) : "memory");
        } while ((int)(seen - turn) < 0 && (patience == 0 || ++looked < patience));
    }
    __syncthreads();
}

// Where in every piece the room of this turn is for what a rank has written.
__device__ __forceinline__ long long roomOf(int from, unsigned turn, int size, long long room) {
    return ROOMS + ((turn & 1) * size + from) * room;
}

__device__ __forceinline__ uint4 summed(uint4 mine, const char *own, long long i, unsigned turn, int rank, int size,
        long long room) {
    float sum[PACK] = {};
    for (int from = 0; from < size; from++) {
        add(sum, from == rank ? mine : fetched((const uint4 *)(own + roomOf(from, turn, size, room)) + i));
    }
    return rounded(sum);
}

extern "C" __global__ void __launch_bounds__(THREADS) peerSum(uint4 *values, long long packs, char *own, int rank, int size,
        long long room, int patience) {
    unsigned *counter = (unsigned *)(own + COUNTERS) + blockIdx.x;
    unsigned turn = *counter + 1;
    long long first = (long long)blockIdx.x * THREADS + threadIdx.x;
    for (int next = 1; next < size; next++) {
        char *piece = ((char *const *)own)[(rank + next) % size];
        uint4 *to = (uint4 *)(piece + roomOf(rank, turn, size, room));
        for (long long i = first; i < packs; i += BLOCKS * THREADS) {
            to[i] = values[i];
        }
    }
    exchanged(own, rank, size, turn, patience);
    for (long long i = first; i < packs; i += BLOCKS * THREADS) {
        values[i] = summed(values[i], own, i, turn, rank, size, room);
    }
    if (threadIdx.x == 0) {
        *counter = turn;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) peerSumBySlices(uint4 *values, long long packs, char *own, int rank,
        int size, long long room, int patience) {
    unsigned *counter = (unsigned *)(own + COUNTERS) + blockIdx.x;
    unsigned turn = *counter + 1;
    long long first = (long long)blockIdx.x * THREADS + threadIdx.x;
    long long slice = (packs + size - 1) / size;
    for (int next = 1; next < size; next++) {
        int owner = (rank + next) % size;
        uint4 *to = (uint4 *)(((char *const *)own)[owner] + roomOf(rank, turn, size, room));
        for (long long i = first; i < slice && owner * slice + i < packs; i += BLOCKS * THREADS) {
            to[i] = values[owner * slice + i];
        }
    }
    exchanged(own, rank, size, turn, patience);
    for (long long i = first; i < slice && rank * slice + i < packs; i += BLOCKS * THREADS) {
        uint4 sums = summed(values[rank * slice + i], own, i, turn, rank, size, room);
        values[rank * slice + i] = sums;
        for (int next = 1; next < size; next++) {
            char *piece = ((char *const *)own)[(rank + next) % size];
            ((uint4 *)(piece + roomOf(rank, turn + 1, size, room)))[i] = sums;
        }
    }
    exchanged(own, rank, size, turn + 1, patience);
    for (int next = 1; next < size; next++) {
        int owner = (rank + next) % size;
        const uint4 *from = (const uint4 *)(own + roomOf(owner, turn + 1, size, room));
        for (long long i = first; i < slice && owner * slice + i < packs; i += BLOCKS * THREADS) {
            values[owner * slice + i] = fetched(from + i);
        }
    }
    if (threadIdx.x == 0) {
        *counter = turn + 1;
    }
}
