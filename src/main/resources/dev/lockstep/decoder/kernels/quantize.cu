// Rows to fp8 with one scale each: out [N, K] bytes, scales [N] floats, x [N, K]; K, a constant, divides by PACK.
//
// One block a row, THREADS threads. Bytes: N K values and as many bytes.

#define PIECES ((K / PACK + THREADS - 1) / THREADS)

extern "C" __global__ void __launch_bounds__(THREADS) quantize(unsigned char *out, float *scales, const stored *x) {
    begin();
    Pack held[PIECES];
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < K) {
            held[p] = load(x + (long long)blockIdx.x * K + i);
        }
    }
    quantizeRow<K>(out, scales, held);
}
