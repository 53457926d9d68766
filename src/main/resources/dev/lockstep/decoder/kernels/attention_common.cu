// What both attention kernels share: constants of the model, and the norm and rotation of one head by a warp.
//
// Constants: HEADS query heads, KV_HEADS key and value heads, HEAD_DIM, of which ROTARY dimensions turn (a multiple of 4), WINDOW
// tokens a query sees (0: all), QK_NORM (1: each query and key head passes an RMSNorm first; 2: after it has turned;
// 3: the same by no weight, where its address is not null; 4: a layer norm first, of weights that each head has of its own), CAPPED (1: scores pass SOFTCAP
// tanh(x / SOFTCAP)), FP8 (1: the projection is still to be scaled).

#define GROUP (HEADS / KV_HEADS)
#define HALF (HEAD_DIM / 2)
#define PAIRS ((HALF + 63) / 64)
// blocks that share a multiprocessor, which leaves each thread 168 registers, or 255 for wide heads
#define BLOCKS_AT_ONCE ((HEAD_DIM > 128 ? 256 : 384) / THREADS)
#define LOG2E 1.4426950408889634f
#define LEAST (-1e30f)

// A head in the lanes of a warp: with d = 2 lane + 64 j, low[j] holds dimensions lowOf(d) and the next, high[j] highOf(d) and the
// next. Two that turn together are at the same place in both; those that do not turn follow them.
struct Head {
    float2 low[PAIRS], high[PAIRS];
};

__device__ __forceinline__ int dimension(int j) {
    return 2 * (threadIdx.x % 32) + 64 * j;
}

__device__ __forceinline__ int lowOf(int d) {
    return d < ROTARY / 2 ? d : ROTARY / 2 + d;
}

__device__ __forceinline__ int highOf(int d) {
    return d < ROTARY / 2 ? ROTARY / 2 + d : HALF + d;
}

// The fused projection: qkv [N, (HEADS + 2 KV_HEADS) HEAD_DIM]. With fp8 weights it is what the product left: still to be
// multiplied by rowScales [N] and columnScales [a row of qkv], and bias, if there is one, to be added. Else these are null.
struct Projection {
    const stored *qkv;
    const float *rowScales, *columnScales;
    const stored *bias;

    __device__ __forceinline__ float2 pair(int row, int column) const {
        float2 x = loadPair(qkv + (long long)row * (HEADS + 2 * KV_HEADS) * HEAD_DIM + column);
#if FP8
        float2 scale = *(const float2 *)(columnScales + column);
        float2 more = bias ? loadPair(bias + column) : make_float2(0, 0);
        x.x = x.x * rowScales[row] * scale.x + more.x;
        x.y = x.y * rowScales[row] * scale.y + more.y;
#endif
        return x;
    }

    __device__ __forceinline__ Head head(int row, int i) const {
        Head head = {};
#pragma unroll
        for (int j = 0; j < PAIRS; j++) {
            int d = dimension(j);
            if (d < HALF) {
                head.low[j] = pair(row, i * HEAD_DIM + lowOf(d));
                head.high[j] = pair(row, i * HEAD_DIM + highOf(d));
            }
        }
        return head;
    }
};

// Cosine and sine of a token's position, for the dimensions of a Head's low half: tables [., ROTARY / 2], null in a layer that
// turns nothing.
struct Angles {
    float2 cosine[PAIRS], sine[PAIRS];
};

__device__ __forceinline__ Angles angles(const float *cosine, const float *sine, int at) {
    Angles a = {};
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        int d = dimension(j);
        a.cosine[j] = make_float2(1, 1);
        if (d < ROTARY / 2 && cosine) {
            a.cosine[j] = *(const float2 *)(cosine + (long long)at * (ROTARY / 2) + d);
            a.sine[j] = *(const float2 *)(sine + (long long)at * (ROTARY / 2) + d);
        }
    }
    return a;
}

// What a head's norm multiplies by besides weights; turning does not change it.
__device__ __forceinline__ float normScale(const Head &head, float eps) {
    float squares = 0;
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        squares += head.low[j].x * head.low[j].x + head.low[j].y * head.low[j].y;
        squares += head.high[j].x * head.high[j].x + head.high[j].y * head.high[j].y;
    }
    for (int offset = 16; offset; offset /= 2) {
        squares += __shfl_xor_sync(~0u, squares, offset);
    }
    return rsqrtf(squares / HEAD_DIM + eps);
}

#if QK_NORM == 4
__device__ __forceinline__ void center(Head &head) {
    float sum = 0;
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        sum += head.low[j].x + head.low[j].y + head.high[j].x + head.high[j].y;
    }
    for (int offset = 16; offset; offset /= 2) {
        sum += __shfl_xor_sync(~0u, sum, offset);
    }
    float mean = sum / HEAD_DIM;
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        if (dimension(j) < HALF) {
            head.low[j] = make_float2(head.low[j].x - mean, head.low[j].y - mean);
            head.high[j] = make_float2(head.high[j].x - mean, head.high[j].y - mean);
        }
    }
}
#endif

// The weights of a norm of queries or of keys that are for one of their heads.
__device__ __forceinline__ const factor *weightsOf(const factor *weight, int head) {
#if QK_NORM == 4
    return weight + head * HEAD_DIM;
#else
    return weight;
#endif
}

// The norm of a head, in models that have one, and rotary embedding in the half-split layout of Hugging Face checkpoints.
__device__ __forceinline__ void turn(Head &head, const factor *weight, const Angles &a, float eps) {
#if QK_NORM == 3
    float scale = weight ? normScale(head, eps) : 1;
#elif QK_NORM
#if QK_NORM == 4
    center(head);
#endif
    float scale = normScale(head, eps);
#endif
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        int d = dimension(j);
        if (d < HALF) {
            float2 low = head.low[j], high = head.high[j];
#if QK_NORM == 1 || QK_NORM == 2 || QK_NORM == 4
            float2 w = loadFactorPair(weight + lowOf(d)), v = loadFactorPair(weight + highOf(d));
#endif
#if QK_NORM == 1 || QK_NORM == 4
            low = make_float2(low.x * scale * w.x, low.y * scale * w.y);
            high = make_float2(high.x * scale * v.x, high.y * scale * v.y);
#endif
            float2 c = a.cosine[j], s = a.sine[j];
            head.low[j] = make_float2(low.x * c.x - high.x * s.x, low.y * c.y - high.y * s.y);
            head.high[j] = make_float2(high.x * c.x + low.x * s.x, high.y * c.y + low.y * s.y);
#if QK_NORM == 2
            head.low[j] = make_float2(head.low[j].x * scale * w.x, head.low[j].y * scale * w.y);
            head.high[j] = make_float2(head.high[j].x * scale * v.x, head.high[j].y * scale * v.y);
#elif QK_NORM == 3
            head.low[j] = make_float2(head.low[j].x * scale, head.low[j].y * scale);
            head.high[j] = make_float2(head.high[j].x * scale, head.high[j].y * scale);
#endif
        }
    }
}

__device__ __forceinline__ void storeHead(stored *to, const Head &head) {
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        int d = dimension(j);
        if (d < HALF) {
            storePair(to + lowOf(d), head.low[j]);
            storePair(to + highOf(d), head.high[j]);
        }
    }
}

__device__ __forceinline__ void keepHead(kept *to, const Head &head, float scale) {
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        int d = dimension(j);
        if (d < HALF) {
            keepPair(to + lowOf(d), head.low[j], scale);
            keepPair(to + highOf(d), head.high[j], scale);
        }
    }
}

// A row's first tokens, whole tiles of 16, to which another kernel has attended for all rows that share them (share.cu). What that
// has left is in so many parts, one after the other stride apart, each [HEADS, HEAD_DIM + 4]: sums that are not normalized,
// maximum and sum of the weights.
struct Beginning {
    int tokens, parts;
    long long stride;
    const float *sums;
};

// beginnings [N, 4]: tokens, parts, the first part and how many parts further the next is; null where nothing is shared.
__device__ __forceinline__ Beginning beginning(const long long *beginnings, const float *shared, int row, int at) {
    Beginning b = {};
    // a slot whose prompt is not complete yet is not there
    if (beginnings && (int)beginnings[4 * row] <= at) {
        const long long part = (long long)HEADS * (HEAD_DIM + 4);
        b.tokens = (int)beginnings[4 * row];
        b.parts = (int)beginnings[4 * row + 1];
        b.sums = shared + beginnings[4 * row + 2] * part;
        b.stride = beginnings[4 * row + 3] * part;
    }
    return b;
}

// Which of a row's tokens a block attends to: from a multiple of 16 on the row is cut into as many parts as have splitTokens each, at most one for
// each block, of whole tiles of 16; the first tile may begin with tokens that the window leaves out. Blocks past the
// last part have nothing to do.
struct Part {
    int parts, begin, end, first;
    bool newest;

    __device__ __forceinline__ bool sees(int token) const {
        return token < end && (WINDOW == 0 || token >= first);
    }
};

__device__ __forceinline__ Part part(int from, int length, int split, int splits, int splitTokens) {
    int first = WINDOW > 0 && length > WINDOW ? length - WINDOW : 0, start = max(from, first / 16 * 16);
    Part p;
    p.parts = max(1, min(splits, (length - start) / splitTokens));
    int each = ((length - start + p.parts - 1) / p.parts + 15) / 16 * 16;
    p.first = first;
    p.begin = start + split * each;
    p.end = min(length, p.begin + each);
    p.newest = p.begin < length && p.end == length;
    return p;
}

// What a block works on: query heads first to first + heads - 1, at most CHUNK_ of those that share a kv head, of a row.
struct Work {
    int row, kvHead, first, heads;
};

template <int CHUNK_>
__device__ __forceinline__ Work work() {
    const int chunks = (GROUP + CHUNK_ - 1) / CHUNK_;
    int before = blockIdx.y % chunks * CHUNK_;
    Work w;
    w.row = blockIdx.z;
    w.kvHead = blockIdx.y / chunks;
    w.first = w.kvHead * GROUP + before;
    w.heads = min(CHUNK_, GROUP - before);
    return w;
}

__device__ __forceinline__ float exp2Fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// What is the exponent of 2 of a token's weight, of the product of query and key, times the model's scale.
__device__ __forceinline__ float score(float x) {
#if CAPPED
    // tanh(y) is 1 - 2 / (1 + exp(2 y))
    x = SOFTCAP * (1 - __fdividef(2, 1 + exp2Fast(x * (2 * LOG2E / SOFTCAP))));
#endif
    return x * LOG2E;
}

__device__ __forceinline__ float4 plus(float4 x, float4 y, float times) {
    return make_float4(x.x + y.x * times, x.y + y.y * times, x.z + y.z * times, x.w + y.w * times);
}

// A head's sums, with the maximum and the sum of their weights.
struct Merged {
    float4 x;
    float highest, all;
};

// Four dimensions of a part, which another block or kernel has left, so that they are in L2.
__device__ __forceinline__ void merge(Merged &m, const float *head, int d) {
    float2 weights = __ldcg((const float2 *)(head + HEAD_DIM));
    float next = fmaxf(m.highest, weights.x), shrink = exp2Fast(m.highest - next);
    float more = exp2Fast(weights.x - next);
    m.all = m.all * shrink + weights.y * more;
    m.x = plus(make_float4(m.x.x * shrink, m.x.y * shrink, m.x.z * shrink, m.x.w * shrink), __ldcg((const float4 *)(head + d)),
            more);
    m.highest = next;
}

__device__ __forceinline__ void merge(Merged &m, const Beginning &before, int head, int d) {
    for (int i = 0; i < before.parts; i++) {
        merge(m, before.sums + i * before.stride + head * (HEAD_DIM + 4), d);
    }
}

__device__ __forceinline__ void storeQuad(stored *to, float4 x, float times) {
    storePair(to, make_float2(x.x * times, x.y * times));
    storePair(to + 2, make_float2(x.z * times, x.w * times));
}

// The weight of a head's sink where that of the highest score is 1.
__device__ __forceinline__ float sunk(const stored *sinks, int head, float highest) {
    return sinks ? exp2Fast(wide(sinks[head]) * LOG2E - highest) : 0;
}

// Ends a block's work on the heads of one kv head and row: merges its warps' sums and, where the row's tokens are split
// over several blocks (splits), leaves them for the last of those to arrive, which merges them all. sums are not normalized yet;
// most and total are the maximum and the sum of the weights. What the row shares comes to it last; first is the first of the
// heads, valueScale what values are to be multiplied by. A head's sink, unless sinks [HEADS] is null, is a score of nothing.
// partial holds [pairs of row and y, SPLITS, CHUNK, HEAD_DIM + 4] floats, arrived [pairs] ints, zeros before and after.
template <int WARPS_, int CHUNK_>
__device__ __forceinline__ void leave(stored *to, float (&sums)[WARPS_][CHUNK_][HEAD_DIM], float (&most)[WARPS_][CHUNK_],
        float (&total)[WARPS_][CHUNK_], int heads, int splits, float *partial, int *arrived, Beginning before, int first,
        float valueScale, const stored *sinks) {
    __shared__ int last;
    const int width = HEAD_DIM + 4, quads = HEAD_DIM / 4;
    long long pair = (long long)blockIdx.z * gridDim.y + blockIdx.y;
    float *parts = partial + pair * gridDim.x * CHUNK_ * width;
    float *left = parts + blockIdx.x * CHUNK_ * width;
#pragma unroll
    for (int j = 0; j < (CHUNK_ * quads + THREADS - 1) / THREADS; j++) {
        int i = j * THREADS + threadIdx.x, h = i / quads, d = i % quads * 4;
        if (h < heads) {
            Merged m = {{}, LEAST, 0};
#pragma unroll
            for (int w = 0; w < WARPS_; w++) {
                m.highest = fmaxf(m.highest, most[w][h]);
            }
#pragma unroll
            for (int w = 0; w < WARPS_; w++) {
                float shrink = exp2Fast(most[w][h] - m.highest);
                m.all += total[w][h] * shrink;
                m.x = plus(m.x, *(const float4 *)&sums[w][h][d], shrink);
            }
            if (splits == 1) {
                merge(m, before, first + h, d);
                storeQuad(to + h * HEAD_DIM + d, m.x, valueScale / (m.all + sunk(sinks, first + h, m.highest)));
            } else {
                *(float4 *)(left + h * width + d) = m.x;
                if (d == 0) {
                    *(float2 *)(left + h * width + HEAD_DIM) = make_float2(m.highest, m.all);
                }
            }
        }
    }
    if (splits == 1) {
        return;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrived + pair, 1) == splits - 1;
    }
    __syncthreads();
    if (!last) {
        return;
    }
    __threadfence();
    for (int i = threadIdx.x; i < heads * quads; i += THREADS) {
        int h = i / quads, d = i % quads * 4;
        Merged m = {{}, LEAST, 0};
        for (int split = 0; split < splits; split++) {
            merge(m, parts + (split * CHUNK_ + h) * width, d);
        }
        merge(m, before, first + h, d);
        storeQuad(to + h * HEAD_DIM + d, m.x, valueScale / (m.all + sunk(sinks, first + h, m.highest)));
    }
    if (threadIdx.x == 0) {
        arrived[pair] = 0;
    }
}
