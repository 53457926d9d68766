// RMSNorm of each row: out[n] = x[n] / sqrt(mean(x[n]^2) + eps) * weight.
//
// x, out [N, H], weight [H], contiguous; H, a constant, divides by PACK. The sums that a norm follows are made by the
// products before it, which add to the residual stream x as they store, so x is read here and not written.
// With fp8 weights they cannot, and leave raw [N, H] instead, or null where there was none: so first
// x[n] += raw[n] rowScales[n] columnScales + bias. The result is fp8 then, out8 [N, H] times 1 / rowScales[n], which are
// set anew; but where out8 is null it goes to out.
// One block a row, THREADS threads. Bytes: 2 N H + H values; with raw 2 N H more, with out8 N H / 2 less.

#define PIECES ((H / PACK + THREADS - 1) / THREADS)

extern "C" __global__ void __launch_bounds__(THREADS) rmsNorm(stored *out, stored *x, const stored *weight, float eps,
        unsigned char *out8, const stored *raw, float *rowScales, const float *columnScales, const stored *bias) {
    long long row = (long long)blockIdx.x * H;
    Pack held[PIECES], weights[PIECES];
    float squares = 0;
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < H) {
            held[p] = load(x + row + i);
            weights[p] = load(weight + i);
#if FP8
            if (raw) {
                Pack more = scaled(raw + row, rowScales[blockIdx.x], columnScales, bias, i);
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    held[p].value[k] += more.value[k];
                }
                uint4 rounded = repack(held[p]);
                *(uint4 *)(x + row + i) = rounded;
                held[p] = unpack(rounded);
            }
#endif
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                squares += held[p].value[k] * held[p].value[k];
            }
        }
    }
    float scale = rsqrtf(blockSum(squares) / H + eps);
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            held[p].value[k] *= scale * weights[p].value[k];
        }
    }
#if FP8
    if (out8) {
        quantizeRow<H>(out8, rowScales, held);
        return;
    }
#endif
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < H) {
            store(out + row + i, held[p]);
        }
    }
}
