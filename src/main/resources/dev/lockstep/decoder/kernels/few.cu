// Products of few rows, for 16-bit storage, from sm_90 on: y [M, N] = x [M, K] w [N, K]^T (+ bias) (+ y), M at most 8, where
// the weights are what costs. N and K divide by 16.
//
// Each sum is made in the order of K, 16 at a time on tensor cores, and rounded before y is added: the same bits as cuBLASLt's
// for any number of rows, where it divides no sums.
//
// One block a multiprocessor; each has as many tiles of w, 16 rows, as any other. WARPS warps multiply a tile each, LOADERS more
// bring COLUMNS columns of those tiles into the next of STAGES pieces of shared memory, from before the kernels before this one
// have ended, and one more those of x.
// Bytes: 2 N K of w; x is read anew by each block, from the second cache.

#define PITCH (2 * COLUMNS + 16) // so that rows are in different banks
#define STAGE_BYTES ((16 * WARPS + 8) * PITCH)
#define UNITS (COLUMNS / 16)
#define AHEAD 4 // times 16 columns that are read while those before them are multiplied

__device__ __forceinline__ unsigned shared32(const void *at) {
    return (unsigned)__cvta_generic_to_shared(at);
}

__device__ __forceinline__ void await(const unsigned long long *barrier, unsigned parity) {
    asm volatile("{.reg .pred done; AGAIN: mbarrier.try_wait.parity.shared.b64 done, [%0], %1; @done bra DONE; bra AGAIN; DONE:}"
                 ::"r"(shared32(barrier)), "r"(parity)
                 : "memory");
}

__device__ __forceinline__ void expectArrivals(const unsigned long long *barrier, unsigned count) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared32(barrier)), "r"(count) : "memory");
}

__device__ __forceinline__ void arrive(const unsigned long long *barrier) {
    asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(shared32(barrier)) : "memory");
}

// Once all that this thread has had brought is there.
__device__ __forceinline__ void arriveAfterCopies(const unsigned long long *barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(shared32(barrier)) : "memory");
}

__device__ __forceinline__ void bring(unsigned to, const stored *from) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}

__device__ __forceinline__ void matrices(unsigned (&to)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

// What a block has to do: pieces of COLUMNS columns of up to WARPS tiles, one after the other.
struct Work {
    int first, end, steps, pieces, k;

    __device__ __forceinline__ Work(int n, int k) : k(k) {
        long long tiles = n / 16;
        first = tiles * blockIdx.x / gridDim.x;
        end = tiles * (blockIdx.x + 1) / gridDim.x;
        steps = (k + COLUMNS - 1) / COLUMNS;
        pieces = (end - first + WARPS - 1) / WARPS * steps;
    }

    __device__ __forceinline__ int tile(int piece) const {
        return first + piece / steps * WARPS;
    }

    __device__ __forceinline__ int tiles(int piece) const {
        return min(WARPS, end - tile(piece));
    }

    __device__ __forceinline__ int columns(int piece) const {
        return min(COLUMNS, k - piece % steps * COLUMNS);
    }
};

struct Fragments {
    // of 16 rows of w, and of 8 rows of x for 32 columns
    unsigned a[AHEAD][4], b[AHEAD / 2][4];

    __device__ __forceinline__ void load(unsigned w, unsigned x, int unit) {
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            matrices(a[i], w + (unit + i) * 32);
        }
#pragma unroll
        for (int i = 0; i < AHEAD / 2; i++) {
            matrices(b[i], x + (unit + 2 * i) * 32);
        }
    }

    __device__ __forceinline__ void multiply(float (&sum)[4]) const {
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            multiplyAdd(sum, a[i], b[i / 2][i % 2 * 2], b[i / 2][i % 2 * 2 + 1]);
        }
    }
};

// A warp a row at a time, 16 bytes a lane; rows of tiles by all of LOADERS warps.
__device__ __forceinline__ void bringWeights(const Work &work, unsigned ring, const unsigned long long *full,
        const unsigned long long *empty, const stored *w) {
    int lane = threadIdx.x % 32, loader = threadIdx.x / 32 - WARPS;
    for (int piece = 0; piece < work.pieces; piece++) {
        int stage = piece % STAGES, columns = work.columns(piece), rows = 16 * work.tiles(piece);
        if (piece >= STAGES) {
            await(empty + stage, piece / STAGES + 1 & 1);
        }
        if (lane * PACK < columns) {
            const stored *from = w + ((long long)work.tile(piece) * 16 + loader) * work.k + piece % work.steps * COLUMNS + lane * PACK;
            unsigned to = ring + stage * STAGE_BYTES + loader * PITCH + lane * 16;
            for (int row = loader; row < rows; row += LOADERS) {
                bring(to, from);
                to += LOADERS * PITCH;
                from += (long long)LOADERS * work.k;
            }
        }
        arriveAfterCopies(full + stage);
    }
    begin();
}

__device__ __forceinline__ void bringInputs(const Work &work, unsigned ring, const unsigned long long *full,
        const unsigned long long *empty, const stored *x, int m) {
    int lane = threadIdx.x % 32;
    begin();
    for (int piece = 0; piece < work.pieces; piece++) {
        int stage = piece % STAGES;
        if (piece >= STAGES) {
            await(empty + stage, piece / STAGES + 1 & 1);
        }
        if (lane * PACK < work.columns(piece)) {
            const stored *from = x + piece % work.steps * COLUMNS + lane * PACK;
            for (int row = 0; row < m; row++) {
                bring(ring + stage * STAGE_BYTES + (16 * WARPS + row) * PITCH + lane * 16, from + (long long)row * work.k);
            }
        }
        arriveAfterCopies(full + stage);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) few(stored *y, const stored *x, const stored *w, const stored *bias,
        int m, int n, int k, int add) {
    extern __shared__ __align__(128) char memory[];
    __shared__ __align__(8) unsigned long long full[STAGES], empty[STAGES];
    unsigned ring = shared32(memory);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < STAGES; stage++) {
            expectArrivals(full + stage, 32 * (LOADERS + 1));
            expectArrivals(empty + stage, WARPS);
        }
    }
    __syncthreads();
    Work work(n, k);
    if (warp >= WARPS) {
        if (warp < WARPS + LOADERS) {
            bringWeights(work, ring, full, empty, w);
        } else {
            bringInputs(work, ring, full, empty, x, m);
        }
        return;
    }
    begin();
    unsigned wFrom = ring + (16 * warp + lane % 16) * PITCH + lane / 16 * 16;
    unsigned xFrom = ring + (16 * WARPS + lane % 8) * PITCH + lane / 8 * 16;
    float sum[4] = {};
    for (int piece = 0; piece < work.pieces; piece++) {
        int stage = piece % STAGES;
        bool mine = warp < work.tiles(piece);
        unsigned wAt = wFrom + stage * STAGE_BYTES, xAt = xFrom + stage * STAGE_BYTES;
        await(full + stage, piece / STAGES & 1);
        int units = mine ? work.columns(piece) / 16 : 0;
        if (units == UNITS) {
            Fragments now, next;
            now.load(wAt, xAt, 0);
#pragma unroll
            for (int unit = 0; unit < UNITS; unit += AHEAD) {
                if (unit + AHEAD < UNITS) {
                    next.load(wAt, xAt, unit + AHEAD);
                }
                now.multiply(sum);
                now = next;
            }
        } else {
            for (int unit = 0; unit < units; unit++) {
                unsigned a[4], b[4];
                matrices(a, wAt + unit * 32);
                matrices(b, xAt + unit * 32); // and 16 columns more, of which nothing comes
                multiplyAdd(sum, a, b[0], b[1]);
            }
        }
        __syncwarp();
        if (lane == 0) {
            arrive(empty + stage);
        }
        if (mine && piece % work.steps == work.steps - 1) {
            int first = (work.tile(piece) + warp) * 16 + lane / 4;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                // rows of x past the end were never there
                int row = lane % 4 * 2 + i % 2, column = first + i / 2 * 8;
                if (row < m) {
                    stored *to = y + (long long)row * n + column;
                    stored rounded = narrow(sum[i] + (bias ? wide(bias[column]) : 0));
                    *to = add ? narrow(wide(rounded) + wide(*to)) : rounded;
                }
                sum[i] = 0;
            }
        }
    }
}
