// Of prompts' tokens: norm and rotation of queries and keys, in place in the fused projection qkv [T, (HEADS + 2 KV_HEADS)
// HEAD_DIM], and keys and values to their places rows [T] in the cache, of which kv_cache.cu says what it is like. In fp8 what is
// left in place is what the cache gives back, so that prompts see of themselves what later tokens will.
//
// cosine, sine [T, ROTARY / 2] of each token, or null where nothing turns; the rest as attention_common.cu has it. One block a
// token, a warp a head at a time. Bytes: twice qkv, and keys and values once more.

__device__ __forceinline__ float2 asKept(float2 pair, float scale) {
#if KV_FP8
    unsigned short two;
    unsigned halves;
    float2 back;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;"
        : "=h"(two)
        : "f"(wide(narrow(pair.y)) / scale), "f"(wide(narrow(pair.x)) / scale));
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"(two));
    asm("cvt.f32.f16 %0, %1;" : "=f"(back.x) : "h"((unsigned short)(halves & 0xffffu)));
    asm("cvt.f32.f16 %0, %1;" : "=f"(back.y) : "h"((unsigned short)(halves >> 16)));
    return make_float2(back.x * scale, back.y * scale);
#else
    return pair;
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) place(stored *qkv, kept *kv, const float *cosine, const float *sine,
        const long long *rows, const factor *queryNorm, const factor *keyNorm, float eps, const float *rowScales,
        const float *columnScales, const stored *bias, float keyScale, float valueScale) {
    begin();
    Projection projection = {qkv, rowScales, columnScales, bias};
    int token = blockIdx.x;
    Angles turns = angles(cosine, sine, token);
    stored *mine = qkv + (long long)token * (HEADS + 2 * KV_HEADS) * HEAD_DIM;
    kept *to = kv + rows[token] * TOKEN_STRIDE;
    for (int i = threadIdx.x / 32; i < HEADS + 2 * KV_HEADS; i += THREADS / 32) {
        Head head = projection.head(token, i);
        if (i < HEADS + KV_HEADS) {
            turn(head, i < HEADS ? weightsOf(queryNorm, i) : weightsOf(keyNorm, i - HEADS), turns, eps);
        }
        if (i >= HEADS) {
            // values follow the keys here as there
            float scale = i < HEADS + KV_HEADS ? keyScale : valueScale;
            keepHead(to + (i - HEADS) * HEAD_DIM, head, scale);
#pragma unroll
            for (int j = 0; j < PAIRS; j++) {
                head.low[j] = asKept(head.low[j], scale);
                head.high[j] = asKept(head.high[j], scale);
            }
        }
        storeHead(mine + i * HEAD_DIM, head);
    }
}
