// A mixture of experts, for 16-bit storage. Each of N tokens goes through CHOSEN of EXPERTS gated MLPs; a pair is a token with one
// of them, and there are N CHOSEN. Which experts have how many pairs only the GPU knows, so pairs are brought in order of
// their experts and cut into tiles, of one expert and few enough pairs each, and a product has blocks for as many tiles as there
// could be.
//
// H, the width of a token, divides by 64, and I, that of an expert, by 32. The products are in experts_few.cu and
// experts_many.cu.

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

#if ROUTE
// ---- which experts

#define PER_LANE ((EXPERTS + 31) / 32)
#define NONE -3.0e38f

// The best of a row's experts by a warp, and their shares: of a softmax of its logits with their biases, or the sigmoids of
// its logits (SIGMOID), the choice then by these and biases, or where shares multiply what experts take (SCALES_INPUT) by
// logits; divided by their sum (OF_ONE), and times a factor. Of two that are alike the first.
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
#if SCALES_INPUT
        rank[j] = logit; // of which sigmoids are 1 from some point on
#else
        rank[j] = e < EXPERTS ? score[j] + more : NONE;
#endif
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
// that is null, times its share, unless they are null, and of what all go through, shared [rows, H], unless that is null, times
// the sigmoid of the product of normed [rows, H] and gate [H], if that is not null. x may be normed. A block a row.
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
                sum.value[v] += (share ? share[pair] : 1) * (one.value[v] + more.value[v]);
            }
        }
        store(x + row * H + i, sum);
    }
}
#endif
