// RMSNorm over all query heads of a row together, and over all key heads, as OLMo 2 has it: in place, in the fused projection
// qkv [N, (HEADS + 2 KV_HEADS) HEAD_DIM]; queryNorm [HEADS HEAD_DIM], keyNorm [KV_HEADS HEAD_DIM].
//
// With fp8 weights (FP8) qkv is still to be multiplied by rowScales [N] and columnScales [a row of qkv], and bias, if there is
// one, to be added: values too are, then.
//
// Where RANKS compute the model together each has some of the heads: headSquares makes the numbers of qkv and leaves in
// squares [N, 4] this rank's terms of the squares' means, of queries, of keys, 0, 0; headNorms takes their sums.
// Blocks (x: rows, y: queries, keys and with FP8 values) of THREADS. Bytes: two of each value that is changed, and the norms'.

#define QUERIES (HEADS * HEAD_DIM)
#define KEYS (KV_HEADS * HEAD_DIM)
#define PIECES ((QUERIES / PACK + THREADS - 1) / THREADS)

// Where in a row what this block is for begins, and how much it is.
__device__ __forceinline__ int firstOf(int part) {
    return part == 0 ? 0 : QUERIES + (part - 1) * KEYS;
}

__device__ __forceinline__ int widthOf(int part) {
    return part == 0 ? QUERIES : KEYS;
}

// The block's values as they have been projected, and the sum of their squares.
__device__ __forceinline__ float projected(Pack (&held)[PIECES], const stored *row, const float *rowScales,
        const float *columnScales, const stored *bias) {
    int begin = firstOf(blockIdx.y), width = widthOf(blockIdx.y);
    float squares = 0;
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < width) {
#if FP8
            held[p] = unpack(repack(scaled(row, rowScales[blockIdx.x], columnScales, bias, begin + i)));
#else
            held[p] = load(row + begin + i);
#endif
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                squares += held[p].value[k] * held[p].value[k];
            }
        }
    }
    return blockSum(squares);
}

__device__ __forceinline__ void norm(Pack &held, float scale, const factor *weight) {
    Pack factors = loadFactors(weight);
#pragma unroll
    for (int k = 0; k < PACK; k++) {
        held.value[k] *= scale * factors.value[k];
    }
}

#if RANKS > 1
extern "C" __global__ void __launch_bounds__(THREADS) headSquares(stored *qkv, float *squares, const float *rowScales,
        const float *columnScales, const stored *bias) {
    begin();
    stored *row = qkv + (long long)blockIdx.x * (QUERIES + 2 * KEYS);
    Pack held[PIECES];
    float sum = projected(held, row, rowScales, columnScales, bias);
    if (threadIdx.x == 0 && blockIdx.y < 2) {
        squares[blockIdx.x * 4 + blockIdx.y] = sum / widthOf(blockIdx.y) / RANKS;
        squares[blockIdx.x * 4 + 2 + blockIdx.y] = 0;
    }
#if FP8
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < widthOf(blockIdx.y)) {
            store(row + firstOf(blockIdx.y) + i, held[p]);
        }
    }
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) headNorms(stored *qkv, const factor *queryNorm, const factor *keyNorm,
        float eps, const float *squares) {
    begin();
    stored *row = qkv + (long long)blockIdx.x * (QUERIES + 2 * KEYS) + firstOf(blockIdx.y);
    float scale = rsqrtf(squares[blockIdx.x * 4 + blockIdx.y] + eps);
    for (int i = threadIdx.x * PACK; i < widthOf(blockIdx.y); i += THREADS * PACK) {
        Pack held = load(row + i);
        norm(held, scale, (blockIdx.y == 0 ? queryNorm : keyNorm) + i);
        store(row + i, held);
    }
}
#else
extern "C" __global__ void __launch_bounds__(THREADS) headNorms(stored *qkv, const factor *queryNorm, const factor *keyNorm,
        float eps, const float *rowScales, const float *columnScales, const stored *bias) {
    begin();
    stored *row = qkv + (long long)blockIdx.x * (QUERIES + 2 * KEYS);
    Pack held[PIECES];
    float scale = rsqrtf(projected(held, row, rowScales, columnScales, bias) / widthOf(blockIdx.y) + eps);
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < widthOf(blockIdx.y)) {
            if (blockIdx.y < 2) {
                norm(held[p], scale, (blockIdx.y == 0 ? queryNorm : keyNorm) + i);
            }
            store(row + firstOf(blockIdx.y) + i, held[p]);
        }
    }
}
#endif
