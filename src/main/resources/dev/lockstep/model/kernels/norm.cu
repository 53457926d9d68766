// RMSNorm of each row: out[n] = x[n] / sqrt(mean(x[n]^2) + eps) * weight.
//
// x, out [N, H], weight [H], contiguous; H divides by PACK. The sums that a norm follows are made by the products before
// it, which add to the residual stream x as they store, so x is read here and not written.
// One block a row, threads as H / PACK up to 1,024. Bytes: 2 N H + H values, x and weight once more from L1 or L2.

extern "C" __global__ void rmsNorm(stored *out, const stored *x, const stored *weight, int H, float eps) {
    const stored *row = x + (long long)blockIdx.x * H;
    stored *to = out + (long long)blockIdx.x * H;
    float squares = 0;
    for (int i = threadIdx.x * PACK; i < H; i += blockDim.x * PACK) {
        Pack pack = load(row + i);
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            squares += pack.value[k] * pack.value[k];
        }
    }
    float scale = rsqrtf(blockSum(squares) / H + eps);
    for (int i = threadIdx.x * PACK; i < H; i += blockDim.x * PACK) {
        Pack pack = load(row + i);
        Pack w = load(weight + i);
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            pack.value[k] *= scale * w.value[k];
        }
        store(to + i, pack);
    }
}
