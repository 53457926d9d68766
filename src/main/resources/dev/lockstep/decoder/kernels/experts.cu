// A mixture of experts, for 16-bit storage. Each of N tokens goes through CHOSEN of EXPERTS gated MLPs; a pair is a token with one
// of them, and there are N CHOSEN. Which experts have how many pairs only the GPU knows, so pairs are brought in order of
// their experts and cut into tiles, of one expert and few enough pairs each, and a product has blocks for as many tiles as there
// could be.
//
// H, the width of a token, divides by 64, and I, that of an expert, by 32.

#define WARPS (THREADS / 32)

// Pairs [first, end) in their order, of one expert; of none where there are fewer tiles.
struct Tile {
    int expert, first, end;
};

__device__ __forceinline__ float activated(float gate, float up) {
#if CLAMPED
    gate = fminf(gate, 7.0f);
    up = fminf(fmaxf(up, -7.0f), 7.0f) + 1;
    return __fdividef(gate, 1 + __expf(-1.702f * gate)) * up;
#else
    return __fdividef(gate, 1 + __expf(-gate)) * up;
#endif
}

#ifdef ROUTE
// ---- which experts

#define PER_LANE ((EXPERTS + 31) / 32)
#define NONE -3.0e38f

// The best of a row's experts by a warp, and their shares: of a softmax of its logits with their biases, or the sigmoids of
// its logits (SIGMOID), the choice then by these and biases; divided by their sum (OF_ONE), and times a factor. Of two that are
// alike the first.
__device__ __forceinline__ void routeRow(int *expert, float *share, const float *logits, const float *bias, float factor) {
    int lane = threadIdx.x % 32;
    float rank[PER_LANE], score[PER_LANE];
#if !SIGMOID
    float highest = NONE, all = 0;
#endif
#pragma unroll
    for (int j = 0; j < PER_LANE; j++) {
        int e = j * 32 + lane;
        float logit = e < EXPERTS ? logits[e] : NONE;
        float more = bias && e < EXPERTS ? bias[e] : 0;
#if SIGMOID
        score[j] = __fdividef(1, 1 + __expf(-logit));
        rank[j] = e < EXPERTS ? score[j] + more : NONE;
#else
        rank[j] = logit + more;
        highest = fmaxf(highest, rank[j]);
#endif
    }
#if !SIGMOID
#pragma unroll
    for (int offset = 16; offset; offset /= 2) {
        highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, offset));
    }
#pragma unroll
    for (int j = 0; j < PER_LANE; j++) {
        score[j] = j * 32 + lane < EXPERTS ? __expf(rank[j] - highest) : 0;
        all += score[j];
    }
#pragma unroll
    for (int offset = 16; offset; offset /= 2) {
        all += __shfl_xor_sync(~0u, all, offset);
    }
#endif
    float chosen = 0, mine = 0;
    int which = 0;
#pragma unroll
    for (int k = 0; k < CHOSEN; k++) {
        float best = NONE, value = 0;
        int at = EXPERTS;
#pragma unroll
        for (int j = 0; j < PER_LANE; j++) {
            if (rank[j] > best) {
                best = rank[j];
                at = j * 32 + lane;
                value = score[j];
            }
        }
#pragma unroll
        for (int offset = 16; offset; offset /= 2) {
            float other = __shfl_xor_sync(~0u, best, offset);
            int where = __shfl_xor_sync(~0u, at, offset);
            float what = __shfl_xor_sync(~0u, value, offset);
            if (other > best || other == best && where < at) {
                best = other;
                at = where;
                value = what;
            }
        }
#pragma unroll
        for (int j = 0; j < PER_LANE; j++) {
            if (j * 32 + lane == at) {
                rank[j] = NONE;
            }
        }
        chosen += value;
        if (lane == k) {
            mine = value;
            which = at;
        }
    }
    if (lane < CHOSEN) {
#if OF_ONE
        mine = __fdividef(mine, chosen + 1e-20f);
#elif !SIGMOID
        mine = __fdividef(mine, all);
#endif
        expert[lane] = min(which, EXPERTS - 1); // numbers that are none have no best
        share[lane] = wide(narrow(mine * factor));
    }
}

// Brings pairs in order of their experts, order [pairs], and cuts them into tiles [most] of at most so many; by one block.
__device__ __forceinline__ void group(int *order, Tile *tiles, const int *expert, int pairs, int high, int most) {
    __shared__ int count[EXPERTS], begin[EXPERTS], place[EXPERTS];
    for (int e = threadIdx.x; e < EXPERTS; e += THREADS) {
        count[e] = 0;
    }
    __syncthreads();
    for (int p = threadIdx.x; p < pairs; p += THREADS) {
        atomicAdd(&count[expert[p]], 1);
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        // of each lane's experts, which are in a row
        int lane = threadIdx.x;
        int own = 0, ownTiles = 0;
        for (int e = lane * PER_LANE; e < min((lane + 1) * PER_LANE, EXPERTS); e++) {
            own += count[e];
            ownTiles += (count[e] + high - 1) / high;
        }
        int before = own, tilesBefore = ownTiles;
#pragma unroll
        for (int offset = 1; offset < 32; offset *= 2) {
            int more = __shfl_up_sync(~0u, before, offset), moreTiles = __shfl_up_sync(~0u, tilesBefore, offset);
            if (lane >= offset) {
                before += more;
                tilesBefore += moreTiles;
            }
        }
        int used = __shfl_sync(~0u, tilesBefore, 31);
        before -= own;
        tilesBefore -= ownTiles;
        for (int e = lane * PER_LANE; e < min((lane + 1) * PER_LANE, EXPERTS); e++) {
            begin[e] = place[e] = before;
            before += count[e];
            for (int first = begin[e]; first < before; first += high) {
                tiles[tilesBefore++] = {e, first, min(first + high, before)};
            }
        }
        for (int t = used + lane; t < most; t += 32) {
            tiles[t] = {-1, 0, 0};
        }
    }
    __syncthreads();
    for (int p = threadIdx.x; p < pairs; p += THREADS) {
        order[atomicAdd(&place[expert[p]], 1)] = p;
    }
}

// x [rows, H], router [EXPERTS, H] -> logits [rows, EXPERTS]: a warp an expert and SCORED rows, blocks (x: experts, y: rows).
// Each sum is in one and the same order whatever rows are beside it, and so are all that follow.
#define SCORED 8

extern "C" __global__ void __launch_bounds__(THREADS) score(float *logits, const stored *x, const stored *router, int rows) {
    begin();
    int e = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (e >= EXPERTS) {
        return;
    }
    const uint4 *weights = (const uint4 *)(router + (long long)e * H);
    constexpr int PIECES = (H / PACK + 31) / 32;
    uint4 held[PIECES];
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        held[p] = p * 32 + lane < H / PACK ? weights[p * 32 + lane] : make_uint4(0, 0, 0, 0);
    }
    int end = min((int)(blockIdx.y + 1) * SCORED, rows);
    for (int row = blockIdx.y * SCORED; row < end; row++) {
        float dot = 0;
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            if (p * 32 + lane >= H / PACK) {
                continue;
            }
            Pack a = load(x + (long long)row * H + (p * 32 + lane) * PACK), b = unpack(held[p]);
#pragma unroll
            for (int v = 0; v < PACK; v++) {
                dot += a.value[v] * b.value[v];
            }
        }
#pragma unroll
        for (int offset = 16; offset; offset /= 2) {
            dot += __shfl_xor_sync(~0u, dot, offset);
        }
        if (lane == 0) {
            logits[(long long)row * EXPERTS + e] = dot;
        }
    }
}

// logits [rows, EXPERTS], bias [EXPERTS] or null -> expert and share [rows, CHOSEN]; a warp a row.
extern "C" __global__ void __launch_bounds__(THREADS) route(int *expert, float *share, const float *logits, const float *bias,
        float factor, int rows) {
    begin();
    int row = blockIdx.x * WARPS + threadIdx.x / 32;
    if (row < rows) {
        routeRow(expert + row * CHOSEN, share + row * CHOSEN, logits + (long long)row * EXPERTS, bias, factor);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) groupPairs(int *order, Tile *tiles, const int *expert, int pairs,
        int high, int most) {
    begin();
    group(order, tiles, expert, pairs, high, most);
}

// Both, by one block, where rows are few.
extern "C" __global__ void __launch_bounds__(THREADS) routeAndGroup(int *order, Tile *tiles, int *expert, float *share,
        const float *logits, const float *bias, float factor, int rows, int high, int most) {
    begin();
    for (int row = threadIdx.x / 32; row < rows; row += WARPS) {
        routeRow(expert + row * CHOSEN, share + row * CHOSEN, logits + (long long)row * EXPERTS, bias, factor);
    }
    __syncthreads();
    group(order, tiles, expert, rows * CHOSEN, high, most);
}

// x [rows, H] = or += (add) the sum of a token's experts' results [rows, CHOSEN, H], each with its bias [EXPERTS, H], unless
// that is null, times its share, and of what all go through, shared [rows, H], unless that is null, times the sigmoid of the
// product of normed [rows, H] and gate [H], if that is not null. x may be normed. A block a row.
// Bytes: rows (CHOSEN + 2) H values, with shared 1 or 2 more.
extern "C" __global__ void __launch_bounds__(THREADS) combine(stored *x, const stored *out, const int *expert, const float *share,
        const stored *bias, const stored *shared, const stored *gate, const stored *normed, int add) {
    begin();
    long long row = blockIdx.x;
    float weight = 1;
    if (gate) {
        float dot = 0;
        for (int i = threadIdx.x * PACK; i < H; i += THREADS * PACK) {
            Pack a = load(normed + row * H + i), b = load(gate + i);
#pragma unroll
            for (int v = 0; v < PACK; v++) {
                dot += a.value[v] * b.value[v];
            }
        }
        weight = __fdividef(1, 1 + __expf(-blockSum(dot)));
    }
    for (int i = threadIdx.x * PACK; i < H; i += THREADS * PACK) {
        Pack sum = {};
        if (add) {
            sum = load(x + row * H + i);
        }
        if (shared) {
            Pack one = load(shared + row * H + i);
#pragma unroll
            for (int v = 0; v < PACK; v++) {
                sum.value[v] += weight * one.value[v];
            }
        }
#pragma unroll
        for (int k = 0; k < CHOSEN; k++) {
            long long pair = row * CHOSEN + k;
            Pack one = load(out + pair * H + i);
            Pack more = {};
            if (bias) {
                more = load(bias + (long long)expert[pair] * H + i);
            }
#pragma unroll
            for (int v = 0; v < PACK; v++) {
                sum.value[v] += share[pair] * (one.value[v] + more.value[v]);
            }
        }
        store(x + row * H + i, sum);
    }
}
#endif

#ifdef FEW
// ---- products of few pairs with an expert, where weights are what costs

// What a lane has of 16 rows of a weight and 64 columns, as mma's 16 rows. Which columns of 32 are whose is free, as long as
// x's are taken alike: lane c of a quad has columns 8 c ... 8 c + 7, which it reads 16 bytes at a time.
struct Block64 {
    uint4 word[2][2]; // row g and row g + 8, of 32 columns and the next 32

    // whole: there are 64 columns, and not 32 and then none
    __device__ __forceinline__ void load(const stored *upper, const stored *lower, bool whole) {
        word[0][0] = once(upper);
        word[1][0] = once(lower);
        word[0][1] = whole ? once(upper + 32) : make_uint4(0, 0, 0, 0);
        word[1][1] = whole ? once(lower + 32) : make_uint4(0, 0, 0, 0);
    }
};

// A block has 32 rows of its tile's expert, of which warps have as many parts of K, and 8 TILES pairs; blocks (x: rows, y: tiles).
//   - GATED: x [tokens, K = H], weights [EXPERTS, 2 I, H], a row's gate and then its up; out [pairs in order, I];
//   - otherwise x is that, K = I, weights [EXPERTS, H, I], and out [pairs, H].
// Bytes: those of the weights of experts that have a tile, of each anew.
template <bool GATED, int TILES>
__device__ __forceinline__ void few(stored *out, const stored *x, const stored *weights, const stored *bias, const int *order,
        const Tile *tiles) {
    constexpr int K = GATED ? H : I;
    constexpr int N = GATED ? 2 * I : H;
    __shared__ float slots[WARPS][2][TILES * 8 * 17];
    Tile tile = tiles[blockIdx.y];
    if (tile.expert < 0) {
        return;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    const stored *row[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int first = GATED ? h * I + blockIdx.x * 16 : (blockIdx.x * 2 + h) * 16;
        row[h] = weights + ((long long)tile.expert * N + first + g) * K + 8 * c;
    }
    constexpr int BLOCKS = (K + 63) / 64;
    int at = BLOCKS * warp / WARPS * 64, end = BLOCKS * (warp + 1) / WARPS * 64;
    auto whole = [](int from) { return K % 64 == 0 || from + 32 < K; };
    // weights are asked for before it is known of which rows
    Block64 ahead[2];
    if (at < end) {
        ahead[0].load(row[0] + at, row[0] + 8 * K + at, whole(at));
        ahead[1].load(row[1] + at, row[1] + 8 * K + at, whole(at));
    }
    const stored *from[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        // pairs past the end are computed for nobody
        int place = min(tile.first + t * 8 + g, tile.end - 1);
        from[t] = x + (long long)(GATED ? order[place] / CHOSEN : place) * K + 8 * c;
    }
    float sum[2][TILES][4] = {};
#pragma unroll 1
    for (; at < end; at += 64) {
        uint4 b[TILES][2];
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            b[t][0] = *(const uint4 *)(from[t] + at);
            b[t][1] = whole(at) ? *(const uint4 *)(from[t] + at + 32) : make_uint4(0, 0, 0, 0);
        }
        Block64 now[2] = {ahead[0], ahead[1]};
        if (at + 64 < end) {
            ahead[0].load(row[0] + at + 64, row[0] + 8 * K + at + 64, whole(at + 64));
            ahead[1].load(row[1] + at + 64, row[1] + 8 * K + at + 64, whole(at + 64));
        }
#pragma unroll
        for (int h = 0; h < 2; h++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                uint4 upper = now[h].word[0][half], lower = now[h].word[1][half];
                unsigned first[4] = {upper.x, lower.x, upper.y, lower.y}, second[4] = {upper.z, lower.z, upper.w, lower.w};
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiplyAdd(sum[h][t], first, b[t][half].x, b[t][half].y);
                    multiplyAdd(sum[h][t], second, b[t][half].z, b[t][half].w);
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
            if (GATED) {
                int column = blockIdx.x * 16 + n;
                if (bias) {
                    total[0] += wide(bias[(long long)tile.expert * N + column]);
                    total[1] += wide(bias[(long long)tile.expert * N + I + column]);
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
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) gateUp##TILES(stored *out, const stored *x,            \
            const stored *weights, const stored *bias, const int *order, const Tile *tiles) {                           \
        begin();                                                                                                        \
        few<true, TILES>(out, x, weights, bias, order, tiles);                                                          \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) down##TILES(stored *out, const stored *x,              \
            const stored *weights, const stored *bias, const int *order, const Tile *tiles) {                           \
        begin();                                                                                                        \
        few<false, TILES>(out, x, weights, bias, order, tiles);                                                         \
    }
FEW_OF(1, 512 / THREADS)
FEW_OF(2, 512 / THREADS)
FEW_OF(4, 384 / THREADS)
#endif

#ifdef MANY
// ---- products of many pairs with an expert

#define HIGH 128
#define DEEP 32
#define STAGES 3

__device__ __forceinline__ void fetch(unsigned to, const stored *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
}

__device__ __forceinline__ void readFour(unsigned (&to)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from));
}

// Where a block keeps 8 columns of a row: so that neither 8 rows' same columns nor a row's 4 parts share banks.
__device__ __forceinline__ int within(int row, int part) {
    return row * (DEEP * 2) + (part ^ row / 2 % 4) * 16;
}

// As few() has them, for 128 pairs and 128 rows of weights a block, 64 of which are gates where it is GATED; 8 warps.
template <bool GATED>
__device__ __forceinline__ void many(stored *out, const stored *x, const stored *weights, const stored *bias, const int *order,
        const Tile *tiles) {
    constexpr int K = GATED ? H : I;
    constexpr int N = GATED ? 2 * I : H;
    constexpr int BYTES = HIGH * DEEP * 2;
    __shared__ __align__(128) unsigned char memory[STAGES][2][BYTES];
    Tile tile = tiles[blockIdx.y];
    if (tile.expert < 0) {
        return;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    unsigned base = (unsigned)__cvta_generic_to_shared(memory);
    // a thread fetches 8 columns of two rows of both
    const stored *pair[2], *row[2];
    unsigned to[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int r = threadIdx.x / 4 + 64 * i, part = threadIdx.x % 4;
        int at = min(tile.first + r, tile.end - 1);
        pair[i] = x + (long long)(GATED ? order[at] / CHOSEN : at) * K + 8 * part;
        int n = GATED ? i * I + min((int)blockIdx.x * 64 + r - 64 * i, I - 1) : min((int)blockIdx.x * 128 + r, H - 1);
        row[i] = weights + ((long long)tile.expert * N + n) * K + 8 * part;
        to[i] = base + within(r, part);
    }
    auto fetchStage = [&](int at) {
        if (at < K / DEEP) {
            unsigned stage = at % STAGES * 2 * BYTES;
#pragma unroll
            for (int i = 0; i < 2; i++) {
                fetch(to[i] + stage, pair[i] + at * DEEP);
                fetch(to[i] + stage + BYTES, row[i] + at * DEEP);
            }
        }
        asm volatile("cp.async.commit_group;");
    };
    fetchStage(0);
    fetchStage(1);
    // a warp has 64 pairs, and 32 rows of weights: 16 gates and their ups where it is GATED
    int pairs = warp / 4 * 64, columns = warp % 4;
    float sum[4][4][4] = {};
    for (int at = 0; at < K / DEEP; at++) {
        asm volatile("cp.async.wait_group 1;");
        __syncthreads();
        fetchStage(at + 2);
        unsigned stage = base + at % STAGES * 2 * BYTES;
#pragma unroll
        for (int s = 0; s < DEEP / 16; s++) {
            unsigned a[4][4], b[2][4];
#pragma unroll
            for (int m = 0; m < 4; m++) {
                readFour(a[m], stage + within(pairs + m * 16 + lane % 16, 2 * s + lane / 16));
            }
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int first = GATED ? h * 64 + columns * 16 : columns * 32 + h * 16;
                readFour(b[h], stage + BYTES + within(first + lane % 8 + lane / 16 * 8, 2 * s + lane / 8 % 2));
            }
#pragma unroll
            for (int m = 0; m < 4; m++) {
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    multiplyAdd(sum[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
                }
            }
        }
    }
#pragma unroll
    for (int m = 0; m < 4; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int place = tile.first + pairs + m * 16 + g + 8 * half;
            if (place >= tile.end) {
                continue;
            }
            if (GATED) {
#pragma unroll
                for (int n = 0; n < 2; n++) {
                    int column = blockIdx.x * 64 + columns * 16 + n * 8 + 2 * c;
                    if (column >= I) {
                        continue;
                    }
                    float2 gate = make_float2(sum[m][n][2 * half], sum[m][n][2 * half + 1]);
                    float2 up = make_float2(sum[m][n + 2][2 * half], sum[m][n + 2][2 * half + 1]);
                    if (bias) {
                        float2 more = loadPair(bias + (long long)tile.expert * N + column);
                        gate.x += more.x;
                        gate.y += more.y;
                        more = loadPair(bias + (long long)tile.expert * N + I + column);
                        up.x += more.x;
                        up.y += more.y;
                    }
                    storePair(out + (long long)place * I + column,
                            make_float2(activated(gate.x, up.x), activated(gate.y, up.y)));
                }
            } else {
                stored *line = out + (long long)order[place] * H;
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    int column = blockIdx.x * 128 + columns * 32 + n * 8 + 2 * c;
                    if (column < H) {
                        storePair(line + column, make_float2(sum[m][n][2 * half], sum[m][n][2 * half + 1]));
                    }
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) gateUpMany(stored *out, const stored *x, const stored *weights,
        const stored *bias, const int *order, const Tile *tiles) {
    begin();
    many<true>(out, x, weights, bias, order, tiles);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) downMany(stored *out, const stored *x, const stored *weights,
        const stored *bias, const int *order, const Tile *tiles) {
    begin();
    many<false>(out, x, weights, bias, order, tiles);
}
#endif
