// Rows in fp8 (e4m3, whose largest value is 448) with one scale each, for 16-bit storage and compute capability 8.9 and
// later. A block works on one row, of which thread t holds packs t, t + THREADS, and so on.

#define LARGEST 448.0f

// One pack of a row that a product of fp8 values has left, scaled and with its bias, if there is one.
__device__ __forceinline__ Pack scaled(const stored *raw, float rowScale, const float *columnScales, const stored *bias,
        int i) {
    Pack pack = load(raw + i);
    Pack more = {};
    if (bias) {
        more = load(bias + i);
    }
#pragma unroll
    for (int k = 0; k < PACK; k += 4) {
        float4 four = *(const float4 *)(columnScales + i + k);
        float column[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            pack.value[k + j] = pack.value[k + j] * rowScale * column[j] + more.value[k + j];
        }
    }
    return pack;
}

// scales[n] = max |row n| / 448, out[n] = row n / scales[n], rounded to nearest; n is the block. The row is rounded as it
// would be if it were stored first.
template <int WIDTH, int PIECES_>
__device__ __forceinline__ void quantizeRow(unsigned char *out, float *scales, Pack (&row)[PIECES_]) {
    __shared__ float most[32];
    float largest = 0;
#pragma unroll
    for (int p = 0; p < PIECES_; p++) {
        if ((p * THREADS + threadIdx.x) * PACK < WIDTH) {
            row[p] = unpack(repack(row[p]));
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                largest = fmaxf(largest, fabsf(row[p].value[k]));
            }
        }
    }
    for (int offset = 16; offset; offset /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    }
    if (threadIdx.x % 32 == 0) {
        most[threadIdx.x / 32] = largest;
    }
    __syncthreads();
    largest = threadIdx.x % 32 < THREADS / 32 ? most[threadIdx.x % 32] : 0;
    for (int offset = 16; offset; offset /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    }
    // a row of zeros has to have some scale
    largest = fmaxf(largest, 1e-9f);
    if (threadIdx.x == 0) {
        scales[blockIdx.x] = largest / LARGEST;
    }
    float shrink = LARGEST / largest;
#pragma unroll
    for (int p = 0; p < PIECES_; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < WIDTH) {
            unsigned word[PACK / 4];
#pragma unroll
            for (int k = 0; k < PACK; k += 4) {
                unsigned short low, high;
                asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;"
                    : "=h"(low)
                    : "f"(row[p].value[k + 1] * shrink), "f"(row[p].value[k] * shrink));
                asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;"
                    : "=h"(high)
                    : "f"(row[p].value[k + 3] * shrink), "f"(row[p].value[k + 2] * shrink));
                word[k / 4] = low | (unsigned)high << 16;
            }
            *(uint2 *)(out + (long long)blockIdx.x * WIDTH + i) = make_uint2(word[0], word[1]);
        }
    }
}
