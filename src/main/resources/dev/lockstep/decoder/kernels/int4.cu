// Products with weights that stay in 4 bits, for 16-bit storage: y [M, N] = x [M, K] w [N, K]^T, on tensor cores, for M of
// a decode step, where the weights are what costs. N divides by 16, K by 64.
//
// An element of w is (value - zero) * scale. Values lie as the tensor cores take them: for 16 rows and 64 columns 32 lanes
// have 4 words each, one for 16 columns, whose 8 fields are, in the order of mma's registers, first the even of two columns.
// Which columns those are is free, as long as x's are taken alike: lane c of a quad has columns 8 c ... 8 c + 7 of each 32, so
// that it reads x 16 bytes at a time. grid [N / 16, K / group, 16]: float scales, whose lowest 8 bits are the zero instead.
//
// Values less their zero are whole numbers that 16 bits hold, so scales multiply the sums of 64 columns, in float, or of 32
// where these have scales of their own. The sum over K is in one and the same order for any M and number of threads: that of
// 16 parts, by pairs, fours, and then in turn.

#define WARPS (THREADS / 32)
#define COLUMNS 64
#define PARTS 16
// parts or pairs of them that a block keeps until all are there
#define SLOTS (WARPS == PARTS ? PARTS : PARTS / 2)

#if STORAGE == 15
#define OFFSET 128
#define OFFSET_BITS 0x43004300u
#else
#define OFFSET 1024
#define OFFSET_BITS 0x64006400u
#endif

// Two values at once, whose bits stand below those of OFFSET: what they are more than that, less their zero.
__device__ __forceinline__ unsigned lessZero(unsigned word, unsigned minus) {
    unsigned raised = (word & 0x000f000fu) | OFFSET_BITS;
    unsigned out;
#if STORAGE == 15
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(raised), "r"(0x3f803f80u), "r"(minus));
#else
    asm("add.rn.f16x2 %0, %1, %2;" : "=r"(out) : "r"(raised), "r"(minus));
#endif
    return out;
}

struct Grid {
    float scale;
    unsigned minus; // the offset and the zero, twice

    __device__ __forceinline__ explicit Grid(unsigned bits) {
        scale = __uint_as_float(bits & 0xffffff00u);
        unsigned one = narrow(-(float)(OFFSET + (bits & 0xffu)));
        minus = one | one << 16;
    }
};

// mma's registers of 16 rows and 32 columns, from two words.
struct Columns32 {
    unsigned a[2][4];

    __device__ __forceinline__ Columns32(unsigned first, unsigned second, const Grid &upper, const Grid &lower) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            unsigned minus = i % 2 ? lower.minus : upper.minus;
            a[0][i] = lessZero(first >> 4 * i, minus);
            a[1][i] = lessZero(second >> 4 * i, minus);
        }
    }
};

// What a lane has of HIGH times 16 rows of w: read for 64 columns while those before them are multiplied.
template <int HIGH> struct Block64 {
    uint4 word[HIGH];
    unsigned upper[HIGH][2], lower[HIGH][2];

    __device__ __forceinline__ void load(const uint4 *const (&words)[HIGH], const unsigned *const (&scales)[HIGH], int at,
            int end, int shift) {
        if (at < end) {
#pragma unroll
            for (int h = 0; h < HIGH; h++) {
                word[h] = once(words[h] + at * 32);
                const unsigned *first = scales[h] + (2 * at >> shift) * 16;
                upper[h][0] = first[0];
                lower[h][0] = first[8];
                if (shift == 0) {
                    upper[h][1] = first[16];
                    lower[h][1] = first[24];
                }
            }
        }
    }
};

__device__ __forceinline__ void addScaled(float (&sum)[4], float (&part)[4], float upper, float lower) {
    sum[0] += upper * part[0];
    sum[1] += upper * part[1];
    sum[2] += lower * part[2];
    sum[3] += lower * part[3];
    part[0] = part[1] = part[2] = part[3] = 0;
}

// A block has HIGH times 16 rows of w and 8 TILES rows of x, and each of its warps as many of the parts of K; blocks
// (x: N / (16 HIGH), y: M / (8 TILES)). 2^shift times 32 columns share a scale. Adds y itself (add) and bias [N], unless it is
// null. Bytes: N K / 2 of values, 4 N K / group of the grid, and M (N + K) 2, of which x is read anew by each block.
template <int HIGH, int TILES>
__device__ __forceinline__ void product(stored *y, const stored *x, const uint4 *values, const unsigned *grid,
        const stored *bias, int m, int n, int k, int shift, int add) {
    __shared__ float slots[SLOTS][HIGH][TILES * 8 * 17];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int blocks = k / COLUMNS;
    int groups = ((2 * blocks - 1) >> shift) + 1;
    // rows past the end are computed for nobody
    const uint4 *word[HIGH];
    const unsigned *scale[HIGH];
#pragma unroll
    for (int h = 0; h < HIGH; h++) {
        int tile = min((int)blockIdx.x * HIGH + h, n / 16 - 1);
        word[h] = values + (long long)tile * blocks * 32 + lane;
        scale[h] = grid + (long long)tile * groups * 16 + lane / 4;
    }
    const stored *from[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        int row = min((int)(blockIdx.y * 8 * TILES + t * 8 + lane / 4), m - 1);
        from[t] = x + (long long)row * k + lane % 4 * 8;
    }
    float sum[HIGH][TILES][4] = {};
    int at = blocks * warp / WARPS, end = blocks * (warp + 1) / WARPS;
    Block64<HIGH> ahead;
    ahead.load(word, scale, at, end, shift);
    for (int part = warp * PARTS / WARPS; part < (warp + 1) * PARTS / WARPS; part++) {
        for (int stop = blocks * (part + 1) / PARTS; at < stop; at++) {
            uint4 b[TILES][2];
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                b[t][0] = *(const uint4 *)(from[t] + at * COLUMNS);
                b[t][1] = *(const uint4 *)(from[t] + at * COLUMNS + 32);
            }
            Block64<HIGH> now = ahead;
            ahead.load(word, scale, at + 1, end, shift);
#pragma unroll
            for (int h = 0; h < HIGH; h++) {
                Grid upper(now.upper[h][0]), lower(now.lower[h][0]);
                Columns32 first(now.word[h].x, now.word[h].y, upper, lower);
                float products[TILES][4] = {};
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiplyAdd(products[t], first.a[0], b[t][0].x, b[t][0].y);
                    multiplyAdd(products[t], first.a[1], b[t][0].z, b[t][0].w);
                }
                if (shift == 0) {
#pragma unroll
                    for (int t = 0; t < TILES; t++) {
                        addScaled(sum[h][t], products[t], upper.scale, lower.scale);
                    }
                    upper = Grid(now.upper[h][1]);
                    lower = Grid(now.lower[h][1]);
                }
                Columns32 second(now.word[h].z, now.word[h].w, upper, lower);
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiplyAdd(products[t], second.a[0], b[t][1].x, b[t][1].y);
                    multiplyAdd(products[t], second.a[1], b[t][1].z, b[t][1].w);
                    addScaled(sum[h][t], products[t], upper.scale, lower.scale);
                }
            }
        }
        bool second = SLOTS < PARTS && part % 2;
#pragma unroll
        for (int h = 0; h < HIGH; h++) {
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                float *slot = slots[part * SLOTS / PARTS][h] + (t * 8 + lane % 4 * 2) * 17 + lane / 4;
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    float *one = slot + i % 2 * 17 + i / 2 * 8;
                    *one = second ? *one + sum[h][t][i] : sum[h][t][i];
                    sum[h][t][i] = 0;
                }
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < HIGH * TILES * 128; i += THREADS) {
        int h = i / 16 % HIGH, r = i / (16 * HIGH);
        int row = blockIdx.y * 8 * TILES + r, column = (blockIdx.x * HIGH + h) * 16 + i % 16;
        if (row < m && column < n) {
            float total = 0;
#pragma unroll
            for (int s = 0; s < SLOTS; s += SLOTS / 4) {
                float four = slots[s][h][r * 17 + i % 16] + slots[s + 1][h][r * 17 + i % 16];
                if (SLOTS == PARTS) {
                    four += slots[s + 2][h][r * 17 + i % 16] + slots[s + 3][h][r * 17 + i % 16];
                }
                total += four;
            }
            stored *to = y + (long long)row * n + column;
            *to = narrow(total + (bias ? wide(bias[column]) : 0) + (add ? wide(*to) : 0));
        }
    }
}

#define PRODUCT(HIGH, TILES)                                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) product##TILES(stored *y, const stored *x, const uint4 *values,\
            const unsigned *grid, const stored *bias, int m, int n, int k, int shift, int add) {                        \
        product<HIGH, TILES>(y, x, values, grid, bias, m, n, k, shift, add);                                            \
    }
// Few rows of x want many warps, each with little of K; many rows want much of w for what is read of x.
#if THREADS == 512
PRODUCT(1, 1)
PRODUCT(1, 2)
#elif THREADS == 256
PRODUCT(1, 1)
PRODUCT(1, 2)
PRODUCT(1, 4)
#else
PRODUCT(2, 4)
#endif

// The same weights as numbers: out [N, K]. A warp has 16 rows and 64 columns; blocks (x: of K's, y: of N's).
extern "C" __global__ void __launch_bounds__(THREADS) widen(stored *out, const uint4 *values, const unsigned *grid, int k,
        int shift) {
    int lane = threadIdx.x % 32, blocks = k / COLUMNS;
    int at = blockIdx.x * WARPS + threadIdx.x / 32;
    if (at >= blocks) {
        return;
    }
    uint4 held = once(values + ((long long)blockIdx.y * blocks + at) * 32 + lane);
    unsigned words[4] = {held.x, held.y, held.z, held.w};
    int groups = ((2 * blocks - 1) >> shift) + 1;
    const unsigned *scale = grid + (long long)blockIdx.y * groups * 16 + lane / 4;
#pragma unroll
    for (int lower = 0; lower < 2; lower++) {
        stored *row = out + ((long long)blockIdx.y * 16 + lane / 4 + 8 * lower) * k + at * COLUMNS + lane % 4 * 8;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            unsigned bits = scale[((2 * at + half) >> shift) * 16 + 8 * lower];
            float step = __uint_as_float(bits & 0xffffff00u);
            int zero = bits & 0xffu;
            Pack pack;
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                // columns 4 t + 2 r + e of a lane's 8
                int field = i % 2 * 4 + i / 2 % 2 * 2 + lower;
                pack.value[i] = (float)((int)(words[2 * half + i / 4] >> 4 * field & 15u) - zero) * step;
            }
            store(row + 32 * half, pack);
        }
    }
}
