// Products of few pairs with an expert, where weights are what costs; behind experts.cu and narrow.cu.

// What a lane has of 16 rows of a weight, as mma's 16 rows, and COLUMNS columns. Which columns are whose is free, as long as
// x's are taken alike: lane c of a quad has PARTS times 8 of them, which it reads 16 bytes at a time.
#if BITS == 16
#define COLUMNS 64
#define PARTS 2
#define AT(c, p) (32 * (p) + 8 * (c))
#define DEPTH 1
#else
#define COLUMNS (512 / BITS)
#define PARTS (COLUMNS / 32)
#define AT(c, p) (8 * PARTS * (c) + 8 * (p))
#define DEPTH 2
#endif
// DEPTH pieces are on their way, so that their bytes are as many whatever BITS are.

// So many numbers, in what they are kept in
#define UNITS(NUMBERS) ((NUMBERS)*BITS / 8 / (int)sizeof(kept))

// A row of weights, from the first of its columns that are this lane's.
struct Row {
    const kept *numbers;
#if BITS == 4
    const scaled *scales;
#endif
};

template <int K>
__device__ __forceinline__ Row rowOf(const kept *weights, const scaled *scale, long long row, int c) {
#if BITS == 4
    return {weights + row * UNITS(K) + UNITS(AT(c, 0)), scale + row * (K / 32) + c};
#else
    return {weights + row * UNITS(K) + UNITS(AT(c, 0))};
#endif
}

struct Held {
#if BITS == 16
    uint4 word[PARTS];
#else
    uint4 word;
#endif
#if BITS == 4
    unsigned factor;
#endif

    // of the row that is so many rows down, columns from at on, of which lane c has some in part p only if there are such
    template <int K>
    __device__ __forceinline__ void load(Row row, int down, int at, int c) {
#if BITS == 16
#pragma unroll
        for (int p = 0; p < PARTS; p++) {
            word[p] = K % COLUMNS == 0 || at + AT(c, p) < K ? once(row.numbers + down * K + at + 32 * p) : make_uint4(0, 0, 0, 0);
        }
#else
        bool there = K % COLUMNS == 0 || at + AT(c, 0) < K;
        word = there ? once(row.numbers + down * UNITS(K) + UNITS(at)) : make_uint4(0, 0, 0, 0);
#if BITS == 4
        factor = there ? factorOf(row.scales[down * (K / 32) + at / 32]) : 0;
#endif
#endif
    }

    __device__ __forceinline__ uint4 part(int p) const {
#if BITS == 16
        return word[p];
#elif BITS == 8
        return p == 0 ? widened(word.x, word.y) : widened(word.z, word.w);
#else
        return widened(p == 0 ? word.x : p == 1 ? word.y : p == 2 ? word.z : word.w, factor);
#endif
    }
};

// A block has 32 rows of its tile's expert, of which warps have as many parts of K, and 8 TILES pairs; blocks (x: rows, y: tiles).
//   - GATED: x [tokens, K = H], times the pair's share, unless they are null; weights [EXPERTS, 2 I, H], a row's gate and then
//     its up; out [pairs in order, I];
//   - otherwise x is that, K = I, weights [EXPERTS, H, I], and out [pairs, H].
// Bytes: those of the weights of experts that have a tile, of each anew.
template <bool GATED, int TILES>
__device__ __forceinline__ void few(stored *out, const stored *x, const kept *weights, const scaled *scale, const stored *bias,
        const int *order, const Tile *tiles, const float *share) {
    constexpr int K = GATED ? H : I;
    constexpr int N = GATED ? 2 * I : H;
    __shared__ float slots[WARPS][2][TILES * 8 * 17];
    // what gives the tiles has ended before the gated products let the others begin, which ask for weights before they wait
    if (GATED) {
        awaitBefore();
    }
    letFollow();
    Tile tile = tiles[blockIdx.y];
    if (tile.expert < 0) {
        return;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    long long expert = (long long)tile.expert * N;
    Row row[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int first = GATED ? h * I + blockIdx.x * 16 : (blockIdx.x * 2 + h) * 16;
        row[h] = rowOf<K>(weights, scale, expert + first + g, c);
    }
    // the last piece may have fewer columns, 32 or more
    constexpr int PIECES = (K + COLUMNS - 1) / COLUMNS;
    int at = PIECES * warp / WARPS * COLUMNS, end = PIECES * (warp + 1) / WARPS * COLUMNS;
    // weights are asked for before it is known of which rows
    Held ahead[DEPTH][2][2];
    auto ask = [&](Held (&piece)[2][2], int from) {
        if (from < end) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                piece[h][0].load<K>(row[h], 0, from, c);
                piece[h][1].load<K>(row[h], 8, from, c);
            }
        }
    };
#pragma unroll
    for (int d = 0; d < DEPTH; d++) {
        ask(ahead[d], at + d * COLUMNS);
    }
    if (!GATED) {
        awaitBefore();
    }
    const stored *from[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        // pairs past the end are computed for nobody
        int place = min(tile.first + t * 8 + g, tile.end - 1);
        from[t] = x + (long long)(GATED ? order[place] / CHOSEN : place) * K + AT(c, 0);
    }
    float sum[2][TILES][4] = {};
#pragma unroll 1
    for (; at < end; at += COLUMNS) {
        uint4 b[TILES][PARTS];
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int p = 0; p < PARTS; p++) {
                b[t][p] = K % COLUMNS == 0 || at + AT(c, p) < K ? *(const uint4 *)(from[t] + at + AT(0, p)) : make_uint4(0, 0, 0, 0);
            }
        }
        Held now[2][2];
#pragma unroll
        for (int h = 0; h < 2; h++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                now[h][half] = ahead[0][h][half];
#pragma unroll
                for (int d = 1; d < DEPTH; d++) {
                    ahead[d - 1][h][half] = ahead[d][h][half];
                }
            }
        }
        ask(ahead[DEPTH - 1], at + DEPTH * COLUMNS);
#pragma unroll
        for (int h = 0; h < 2; h++) {
#pragma unroll
            for (int p = 0; p < PARTS; p++) {
                uint4 above = now[h][0].part(p), below = now[h][1].part(p);
                unsigned first[4] = {above.x, below.x, above.y, below.y}, second[4] = {above.z, below.z, above.w, below.w};
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiplyAdd(sum[h][t], first, b[t][p].x, b[t][p].y);
                    multiplyAdd(sum[h][t], second, b[t][p].z, b[t][p].w);
                }
            }
        }
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            float *slot = slots[warp][h] + (t * 8 + 2 * c) * 17 + g;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                slot[i % 2 * 17 + i / 2 * 8] = sum[h][t][i];
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TILES * 8 * 16; i += THREADS) {
        int r = i / 16, n = i % 16;
        int place = tile.first + r;
        if (place < tile.end) {
            float total[2] = {};
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                total[0] += slots[w][0][r * 17 + n];
                total[1] += slots[w][1][r * 17 + n];
            }
#if BITS == 8
            const scaled *factor = scale + expert + (GATED ? blockIdx.x * 16 : blockIdx.x * 32) + n;
            total[0] *= factor[0];
            total[1] *= factor[GATED ? I : 16];
#endif
            if (GATED) {
                int column = blockIdx.x * 16 + n;
                if (share) {
                    total[0] *= share[order[place]];
                    total[1] *= share[order[place]];
                }
                if (bias) {
                    total[0] += wide(bias[expert + column]);
                    total[1] += wide(bias[expert + I + column]);
                }
                out[(long long)place * I + column] = narrow(activated(total[0], total[1]));
            } else {
                stored *to = out + (long long)order[place] * H + blockIdx.x * 32 + n;
                to[0] = narrow(total[0]);
                to[16] = narrow(total[1]);
            }
        }
    }
}

// BLOCKS of a multiprocessor
#define FEW_OF(TILES, BLOCKS)                                                                                           \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) gateUp##TILES(stored *out, const stored *x,           \
            const kept *weights, const scaled *scale, const stored *bias, const int *order, const Tile *tiles,          \
            const float *share) {                                                                                       \
        few<true, TILES>(out, x, weights, scale, bias, order, tiles, share);                                            \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) down##TILES(stored *out, const stored *x,             \
            const kept *weights, const scaled *scale, const stored *bias, const int *order, const Tile *tiles,          \
            const float *share) {                                                                                       \
        few<false, TILES>(out, x, weights, scale, bias, order, tiles, share);                                           \
    }
FEW_OF(1, 512 / THREADS)
FEW_OF(2, 512 / THREADS)
FEW_OF(4, 384 / THREADS)
