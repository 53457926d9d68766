// Rows to fp8 (e4m3) with one scale each: scale[n] = max |x[n]| / 448, out[n] = x[n] / scale[n], rounded to nearest.
//
// x [N, K]; out [N, K] bytes; scale [N] floats; K divides by PACK. One block a row, threads as K / PACK up to 1,024.
// Bytes: N K values and as many bytes, x once more from L1 or L2. Compute capability 8.9 and later.

#define LARGEST 448.0f

extern "C" __global__ void quantize(unsigned char *out, float *scale, const stored *x, int K) {
    __shared__ float most[32];
    const stored *row = x + (long long)blockIdx.x * K;
    float largest = 0;
    for (int i = threadIdx.x * PACK; i < K; i += blockDim.x * PACK) {
        Pack pack = load(row + i);
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            largest = fmaxf(largest, fabsf(pack.value[k]));
        }
    }
    for (int offset = 16; offset; offset /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    }
    if (threadIdx.x % 32 == 0) {
        most[threadIdx.x / 32] = largest;
    }
    __syncthreads();
    largest = threadIdx.x % 32 < blockDim.x / 32 ? most[threadIdx.x % 32] : 0;
    for (int offset = 16; offset; offset /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    }
    // a row of zeros has to have some scale
    largest = fmaxf(largest, 1e-9f);
    if (threadIdx.x == 0) {
        scale[blockIdx.x] = largest / LARGEST;
    }
    float shrink = LARGEST / largest;
    for (int i = threadIdx.x * PACK; i < K; i += blockDim.x * PACK) {
        Pack pack = load(row + i);
#pragma unroll
        for (int k = 0; k < PACK; k += 2) {
            unsigned short two;
            asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;"
                : "=h"(two)
                : "f"(pack.value[k + 1] * shrink), "f"(pack.value[k] * shrink));
            *(unsigned short *)(out + (long long)blockIdx.x * K + i + k) = two;
        }
    }
}
