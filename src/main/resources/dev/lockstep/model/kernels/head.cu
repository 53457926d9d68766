// What both attention kernels share: constants of the model, and the norm and rotation of one head by a warp.
//
// Constants: HEADS query heads, KV_HEADS key and value heads, HEAD_DIM, WINDOW tokens a query sees (0: all), QK_NORM
// (1: each query and key head passes an RMSNorm first), FP8 (1: the projection is still to be scaled).

#define GROUP (HEADS / KV_HEADS)
#define HALF (HEAD_DIM / 2)
#define PAIRS ((HALF + 63) / 64)
#define STRIDE (2ll * KV_HEADS * HEAD_DIM)
// blocks that share a multiprocessor, which leaves each thread 128 registers, or 256 for wide heads
#define BLOCKS_AT_ONCE ((HEAD_DIM > 128 ? 256 : 512) / THREADS)
#define LOG2E 1.4426950408889634f
#define LEAST (-1e30f)

// One head of the fused projection, in float.
struct Projected {
    const stored *raw;
#if FP8
    float rowScale;
    const float *scales;
    const stored *bias;
#endif
    __device__ __forceinline__ float operator[](int d) const {
#if FP8
        return wide(raw[d]) * rowScale * scales[d] + (bias ? wide(bias[d]) : 0);
#else
        return wide(raw[d]);
#endif
    }
};

// The fused projection: qkv [N, (HEADS + 2 KV_HEADS) HEAD_DIM]. With fp8 weights it is what the product left: still to be
// multiplied by rowScales [N] and columnScales [a row of qkv], and bias, if there is one, to be added. Else these are null.
struct Projection {
    const stored *qkv;
    const float *rowScales, *columnScales;
    const stored *bias;
    __device__ __forceinline__ Projected head(int row, int i) const {
        Projected p;
        p.raw = qkv + ((long long)row * (HEADS + 2 * KV_HEADS) + i) * HEAD_DIM;
#if FP8
        p.rowScale = rowScales[row];
        p.scales = columnScales + i * HEAD_DIM;
        p.bias = bias ? bias + i * HEAD_DIM : bias;
#endif
        return p;
    }
};

// A head in the lanes of a warp: low[2 j + e] is dimension 2 lane + 64 j + e, high[2 j + e] the one HALF above it.
struct Turned {
    float low[2 * PAIRS], high[2 * PAIRS];
};

// Rotary embedding in the half-split layout of Hugging Face checkpoints; cosine and sine are of the token's position.
__device__ __forceinline__ Turned turn(Projected head, const stored *weight, const float *cosine, const float *sine,
        float eps) {
    Turned t;
    float squares = 0;
#pragma unroll
    for (int i = 0; i < 2 * PAIRS; i++) {
        int d = 2 * (threadIdx.x % 32) + 64 * (i / 2) + i % 2;
        t.low[i] = d < HALF ? head[d] : 0;
        t.high[i] = d < HALF ? head[d + HALF] : 0;
        squares += t.low[i] * t.low[i] + t.high[i] * t.high[i];
    }
#if QK_NORM
    for (int offset = 16; offset; offset /= 2) {
        squares += __shfl_xor_sync(~0u, squares, offset);
    }
    float scale = rsqrtf(squares / HEAD_DIM + eps);
#endif
#pragma unroll
    for (int i = 0; i < 2 * PAIRS; i++) {
        int d = 2 * (threadIdx.x % 32) + 64 * (i / 2) + i % 2;
        if (d < HALF) {
#if QK_NORM
            t.low[i] *= scale * wide(weight[d]);
            t.high[i] *= scale * wide(weight[d + HALF]);
#endif
            float c = cosine[d], s = sine[d], low = t.low[i];
            t.low[i] = low * c - t.high[i] * s;
            t.high[i] = t.high[i] * c + low * s;
        }
    }
    return t;
}

// Which of a row's tokens a block attends to: the row's blocks share them evenly.
struct Part {
    int begin, end;
    bool newest;
};

__device__ __forceinline__ Part part(int length, int split, int splits) {
    int start = WINDOW > 0 && length > WINDOW ? length - WINDOW : 0;
    int each = (length - start + splits - 1) / splits;
    Part p;
    p.begin = start + split * each;
    p.end = min(length, p.begin + each);
    p.newest = p.begin < length && p.end == length;
    return p;
}

// What a block works on: query heads first to first + heads - 1, at most CHUNK_ of those that share a kv head, of the row
// whose new token stands at at.
struct Work {
    int row, kvHead, first, heads, at;
    Part part;
    stored *keys, *values;
};

template <int CHUNK_>
__device__ __forceinline__ Work work(stored *kv, const long long *position, long long S) {
    const int chunks = (GROUP + CHUNK_ - 1) / CHUNK_;
    int before = blockIdx.y % chunks * CHUNK_;
    Work w;
    w.row = blockIdx.z;
    w.kvHead = blockIdx.y / chunks;
    w.first = w.kvHead * GROUP + before;
    w.heads = min(CHUNK_, GROUP - before);
    w.at = (int)position[w.row];
    w.part = part(w.at + 1, blockIdx.x, gridDim.x);
    w.keys = kv + w.row * S * STRIDE + w.kvHead * HEAD_DIM;
    w.values = w.keys + KV_HEADS * HEAD_DIM;
    return w;
}

// Brings the new token of a kv head into the cache: its key, normed and rotated, and its value.
__device__ __forceinline__ void append(stored *key, stored *value, Projected newKey, Projected newValue,
        const stored *weight, const float *cosine, const float *sine, float eps) {
    Turned t = turn(newKey, weight, cosine, sine, eps);
#pragma unroll
    for (int i = 0; i < 2 * PAIRS; i++) {
        int d = 2 * (threadIdx.x % 32) + 64 * (i / 2) + i % 2;
        if (d < HALF) {
            key[d] = narrow(t.low[i]);
            key[d + HALF] = narrow(t.high[i]);
            value[d] = narrow(newValue[d]);
            value[d + HALF] = narrow(newValue[d + HALF]);
        }
    }
}

// Ends a block's work on the heads of one kv head and row: merges its warps' sums and, where the row's tokens are split
// over several blocks, leaves them for the last of those to arrive, which merges them all. sums are not normalized yet;
// most and total are the maximum and the sum of the weights. partial holds [pairs of row and y, SPLITS, CHUNK, HEAD_DIM +
// 2] floats, arrived [pairs] ints, zeros before and after.
template <int WARPS_, int CHUNK_>
__device__ __forceinline__ void leave(stored *to, float (&sums)[WARPS_][CHUNK_][HEAD_DIM], float (&most)[WARPS_][CHUNK_],
        float (&total)[WARPS_][CHUNK_], int heads, float *partial, int *arrived) {
    __shared__ int last;
    const int width = HEAD_DIM + 2;
    int splits = gridDim.x;
    long long pair = (long long)blockIdx.z * gridDim.y + blockIdx.y;
    float *parts = partial + pair * splits * CHUNK_ * width;
    float *left = parts + blockIdx.x * CHUNK_ * width;
    for (int i = threadIdx.x; i < heads * HEAD_DIM; i += blockDim.x) {
        int h = i / HEAD_DIM, d = i % HEAD_DIM;
        float highest = LEAST, all = 0, x = 0;
#pragma unroll
        for (int w = 0; w < WARPS_; w++) {
            highest = fmaxf(highest, most[w][h]);
        }
#pragma unroll
        for (int w = 0; w < WARPS_; w++) {
            float shrink = exp2f(most[w][h] - highest);
            all += total[w][h] * shrink;
            x += sums[w][h][d] * shrink;
        }
        if (splits == 1) {
            to[i] = narrow(x / all);
        } else {
            left[h * width + d] = x;
            if (d == 0) {
                left[h * width + HEAD_DIM] = highest;
                left[h * width + HEAD_DIM + 1] = all;
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
    for (int i = threadIdx.x; i < heads * HEAD_DIM; i += blockDim.x) {
        const float *head = parts + i / HEAD_DIM * width;
        float highest = LEAST, all = 0, x = 0;
        for (int j = 0; j < splits; j++) {
            // from L2, where the other blocks have left them
            const float *one = head + j * CHUNK_ * width;
            float next = fmaxf(highest, __ldcg(one + HEAD_DIM));
            float shrink = exp2f(highest - next), more = exp2f(__ldcg(one + HEAD_DIM) - next);
            all = all * shrink + __ldcg(one + HEAD_DIM + 1) * more;
            x = x * shrink + __ldcg(one + i % HEAD_DIM) * more;
            highest = next;
        }
        to[i] = narrow(x / all);
    }
    if (threadIdx.x == 0) {
        arrived[pair] = 0;
    }
}
