// RMSNorm over all query heads of a row together, and over all key heads, as OLMo 2 has it: in place, in the fused projection
// qkv [N, (HEADS + 2 KV_HEADS) HEAD_DIM]; queryNorm [HEADS HEAD_DIM], keyNorm [KV_HEADS HEAD_DIM].
//
// With fp8 weights (FP8) qkv is still to be multiplied by rowScales [N] and columnScales [a row of qkv], and bias, if there is
// one, to be added: values too are, then.
// Blocks (x: rows, y: queries, keys and with FP8 values) of THREADS. Bytes: two of each value that is changed, and the norms'.

#define QUERIES (HEADS * HEAD_DIM)
#define KEYS (KV_HEADS * HEAD_DIM)
#define PIECES ((QUERIES / PACK + THREADS - 1) / THREADS)

extern "C" __global__ void __launch_bounds__(THREADS) headNorms(stored *qkv, const factor *queryNorm, const factor *keyNorm,
        float eps, const float *rowScales, const float *columnScales, const stored *bias) {
    begin();
    int begin = blockIdx.y == 0 ? 0 : QUERIES + (blockIdx.y - 1) * KEYS, width = blockIdx.y == 0 ? QUERIES : KEYS;
    const factor *weight = blockIdx.y == 0 ? queryNorm : keyNorm;
    stored *row = qkv + (long long)blockIdx.x * (QUERIES + 2 * KEYS);
    Pack held[PIECES];
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
    float scale = rsqrtf(blockSum(squares) / width + eps);
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < width) {
            if (blockIdx.y < 2) {
                Pack factors = loadFactors(weight + i);
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    held[p].value[k] *= scale * factors.value[k];
                }
            }
            store(row + begin + i, held[p]);
        }
    }
}
