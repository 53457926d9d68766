// What an MLP's first product passes: SwiGLU (Shazeer 2020), out = f(gate) * up, or where there is but one projection (ALONE)
// out = f(x). f is ACTIVATION: 0 silu, 1 GELU in its approximation by tanh, 2 GELU, 3 ReLU, 4 its square, 5 xIELU (Huang and Schlag
// 2024), with the layer's learned numbers p [1] and n [1], which are null for all others.
//
// gateUp [N, WIDTH], a row's gate and then its up, or x; out [N, I]; I, a constant, divides by PACK.

#define WIDTH (ALONE ? I : 2 * I)

// What the function is given besides x.
struct Learned {
    float p, n;
};

#if ACTIVATION == 5
__device__ __forceinline__ float softplus(float x) {
    return x > 20 ? x : log1pf(__expf(x));
}
#endif

__device__ __forceinline__ Learned learned(const stored *p, const stored *n) {
#if ACTIVATION == 5
    return {softplus(wide(*p)), softplus(wide(*n)) + 0.5f};
#else
    return {};
#endif
}

__device__ __forceinline__ float active(float x, Learned l) {
#if ACTIVATION == 0
    return __fdividef(x, 1 + __expf(-x));
#elif ACTIVATION == 1
    // (1 + tanh(y)) / 2 is 1 / (1 + exp(-2 y))
    float y = 0.7978845608f * (x + 0.044715f * x * x * x);
    return __fdividef(x, 1 + __expf(-2 * y));
#elif ACTIVATION == 2
    return 0.5f * x * (1 + erff(x * 0.7071067812f));
#elif ACTIVATION == 3
    return fmaxf(x, 0);
#elif ACTIVATION == 4
    return fmaxf(x, 0) * fmaxf(x, 0);
#else
    return (x > 0 ? l.p * x * x : (expm1f(fminf(x, -1e-6f)) - x) * l.n) + 0.5f * x;
#endif
}

// up is whatever it is where there is none
__device__ __forceinline__ Pack gated(Pack gate, const Pack &up, Learned l) {
#pragma unroll
    for (int k = 0; k < PACK; k++) {
        gate.value[k] = ALONE ? active(gate.value[k], l) : active(gate.value[k], l) * up.value[k];
    }
    return gate;
}

#if FP8
// With fp8 weights gateUp is what the product left: still to be multiplied by rowScales [N] and columnScales [WIDTH], and
// bias [WIDTH], unless it is null, to be added. The result is fp8, times 1 / rowScales[n], which are set anew.
// One block a row, THREADS threads. Bytes: N WIDTH values and N I bytes.

#define PIECES ((I / PACK + THREADS - 1) / THREADS)

extern "C" __global__ void __launch_bounds__(THREADS) swiglu(unsigned char *out, const stored *gateUp, float *rowScales,
        const float *columnScales, const stored *bias, const stored *p, const stored *n) {
    begin();
    Learned l = learned(p, n);
    const stored *row = gateUp + (long long)blockIdx.x * WIDTH;
    float rowScale = rowScales[blockIdx.x];
    Pack held[PIECES];
#pragma unroll
    for (int j = 0; j < PIECES; j++) {
        int i = (j * THREADS + threadIdx.x) * PACK;
        if (i < I) {
            Pack first = scaled(row, rowScale, columnScales, bias, i);
            held[j] = gated(first, ALONE ? first : scaled(row, rowScale, columnScales, bias, I + i), l);
        }
    }
    quantizeRow<I>(out, rowScales, held);
}
#else
// One thread a pack, blocks (x: of a row's packs, y: rows). Bytes: N (WIDTH + I) values.

extern "C" __global__ void __launch_bounds__(THREADS) swiglu(stored *out, const stored *gateUp, const stored *p, const stored *n) {
    begin();
    Learned l = learned(p, n);
    int i = (blockIdx.x * THREADS + threadIdx.x) * PACK;
    if (i < I) {
        const stored *row = gateUp + (long long)blockIdx.y * WIDTH;
        Pack first = load(row + i);
        store(out + (long long)blockIdx.y * I + i, gated(first, ALONE ? first : load(row + I + i), l));
    }
}
#endif
