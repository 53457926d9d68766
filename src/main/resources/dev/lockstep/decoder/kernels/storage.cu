// The type that weights, activations and cache are stored in, for all kernels: STORAGE is torch's number of it, 5 float16,
// 6 float32, 15 bfloat16. Arithmetic is in float always. No header is included: where libtorch is, CUDA's need not be.
// Memory is read and written in packs of 16 bytes, PACK values each.

#if STORAGE == 6
typedef float stored;
#define PACK 4
#else
typedef unsigned short stored;
#define PACK 8
#endif

struct Pack {
    float value[PACK];
};

__device__ __forceinline__ float wide(stored x) {
#if STORAGE == 6
    return x;
#elif STORAGE == 15
    return __uint_as_float((unsigned)x << 16);
#else
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x));
    return f;
#endif
}

__device__ __forceinline__ stored narrow(float x) {
#if STORAGE == 6
    return x;
#else
    stored s;
#if STORAGE == 15
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(s) : "f"(x));
#else
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(s) : "f"(x));
#endif
    return s;
#endif
}

__device__ __forceinline__ Pack unpack(uint4 bits) {
    Pack pack;
    unsigned word[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
#if STORAGE == 6
        pack.value[i] = __uint_as_float(word[i]);
#elif STORAGE == 15
        pack.value[2 * i] = __uint_as_float(word[i] << 16);
        pack.value[2 * i + 1] = __uint_as_float(word[i] & 0xffff0000u);
#else
        pack.value[2 * i] = wide((stored)(word[i] & 0xffffu));
        pack.value[2 * i + 1] = wide((stored)(word[i] >> 16));
#endif
    }
    return pack;
}

__device__ __forceinline__ uint4 repack(Pack pack) {
    unsigned word[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
#if STORAGE == 6
        word[i] = __float_as_uint(pack.value[i]);
#elif STORAGE == 15
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word[i]) : "f"(pack.value[2 * i + 1]), "f"(pack.value[2 * i]));
#else
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word[i]) : "f"(pack.value[2 * i + 1]), "f"(pack.value[2 * i]));
#endif
    }
    return make_uint4(word[0], word[1], word[2], word[3]);
}

__device__ __forceinline__ Pack load(const stored *from) {
    return unpack(*(const uint4 *)from);
}

__device__ __forceinline__ void store(stored *to, Pack pack) {
    *(uint4 *)to = repack(pack);
}

// What norms multiply by: float where that is done before the result is rounded (WIDE_NORMS), otherwise as all is stored.
#if WIDE_NORMS && STORAGE != 6
typedef float factor;

__device__ __forceinline__ Pack loadFactors(const factor *from) {
    Pack pack;
    float4 low = *(const float4 *)from, high = *(const float4 *)(from + 4);
    float value[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < PACK; i++) {
        pack.value[i] = value[i];
    }
    return pack;
}
#else
typedef stored factor;

__device__ __forceinline__ Pack loadFactors(const factor *from) {
    return load(from);
}
#endif

// Two values in a row, for what is not read in packs.
__device__ __forceinline__ float2 loadPair(const stored *from) {
#if STORAGE == 6
    return *(const float2 *)from;
#else
    unsigned two = *(const unsigned *)from;
    return make_float2(wide((stored)(two & 0xffffu)), wide((stored)(two >> 16)));
#endif
}

__device__ __forceinline__ float2 loadFactorPair(const factor *from) {
#if WIDE_NORMS && STORAGE != 6
    return *(const float2 *)from;
#else
    return loadPair(from);
#endif
}

__device__ __forceinline__ void storePair(stored *to, float2 pair) {
#if STORAGE == 6
    *(float2 *)to = pair;
#else
    *(unsigned *)to = narrow(pair.x) | (unsigned)narrow(pair.y) << 16;
#endif
}

// The sum over the block's threads, at most 1,024 of them in whole warps, in every thread. Between two of them the block has
// to wait for all its threads.
__device__ __forceinline__ float blockSum(float x) {
    __shared__ float sums[32];
    for (int offset = 16; offset; offset /= 2) {
        x += __shfl_xor_sync(~0u, x, offset);
    }
    if (threadIdx.x % 32 == 0) {
        sums[threadIdx.x / 32] = x;
    }
    __syncthreads();
    x = threadIdx.x % 32 < blockDim.x / 32 ? sums[threadIdx.x % 32] : 0;
    for (int offset = 16; offset; offset /= 2) {
        x += __shfl_xor_sync(~0u, x, offset);
    }
    return x;
}

// Has what follows begin, once all blocks are here.
__device__ __forceinline__ void letFollow() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Waits for what is before this kernel, of which nothing is read or written earlier.
__device__ __forceinline__ void awaitBefore() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// First in a kernel of a step. So the kernels' starts take no time of their own.
__device__ __forceinline__ void begin() {
    letFollow();
    awaitBefore();
}
