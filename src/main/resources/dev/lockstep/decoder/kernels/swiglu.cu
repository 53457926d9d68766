// SwiGLU (Shazeer 2020): out = silu(gate) * up, or with GELU in its approximation by tanh for silu (GELU).
//
// gateUp [N, 2 I], a row's gate and then its up; out [N, I]; I, a constant, divides by PACK.

__device__ __forceinline__ Pack gated(Pack gate, Pack up) {
#pragma unroll
    for (int k = 0; k < PACK; k++) {
        float x = gate.value[k];
#if GELU
        // (1 + tanh(y)) / 2 is 1 / (1 + exp(-2 y))
        float y = 0.7978845608f * (x + 0.044715f * x * x * x);
        gate.value[k] = __fdividef(x, 1 + __expf(-2 * y)) * up.value[k];
#else
        gate.value[k] = __fdividef(x, 1 + __expf(-x)) * up.value[k];
#endif
    }
    return gate;
}

#if FP8
// With fp8 weights gateUp is what the product left: still to be multiplied by rowScales [N] and columnScales [2 I], and
// bias [2 I], unless it is null, to be added. The result is fp8, times 1 / rowScales[n], which are set anew.
// One block a row, THREADS threads. Bytes: 2 N I values and N I bytes.

#define PIECES ((I / PACK + THREADS - 1) / THREADS)

extern "C" __global__ void __launch_bounds__(THREADS) swiglu(unsigned char *out, const stored *gateUp, float *rowScales,
        const float *columnScales, const stored *bias) {
    const stored *row = gateUp + (long long)blockIdx.x * 2 * I;
    float rowScale = rowScales[blockIdx.x];
    Pack held[PIECES];
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < I) {
            held[p] = gated(scaled(row, rowScale, columnScales, bias, i), scaled(row, rowScale, columnScales, bias, I + i));
        }
    }
    quantizeRow<I>(out, rowScales, held);
}
#else
// One thread a pack, blocks (x: of a row's packs, y: rows). Bytes: 3 N I values.

extern "C" __global__ void __launch_bounds__(THREADS) swiglu(stored *out, const stored *gateUp) {
    int i = (blockIdx.x * THREADS + threadIdx.x) * PACK;
    if (i < I) {
        const stored *row = gateUp + (long long)blockIdx.y * 2 * I;
        store(out + (long long)blockIdx.y * I + i, gated(load(row + i), load(row + I + i)));
    }
}
#endif
