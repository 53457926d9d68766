// Weights of experts in BITS: 16 as they are computed with, 8 (e4m3, each row of them times its scale, a float), or 4 (e2m1, of
// which each 32 in a row have a scale, the exponent of a power of 2 and 127 more). Fewer bits become bfloat16, exactly.

#if BITS == 16
typedef stored kept;
typedef float scaled; // there is none
#elif BITS == 8
typedef unsigned char kept;
typedef float scaled;
#else
typedef unsigned char kept; // two numbers, the first in the lower half
typedef unsigned char scaled;
#endif

#if BITS < 16
__device__ __forceinline__ unsigned times(unsigned pair, unsigned factor) {
    unsigned result;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(pair), "r"(factor), "r"(0x80008000u));
    return result;
}

// Half of a word's sign stays, what is behind it moves to where bfloat16 has the last bits of its exponent and the first of its
// mantissa, which holds for what has no leading one as well; a factor makes up for the exponent.
template <int SHIFT>
__device__ __forceinline__ unsigned moved(unsigned pair, unsigned mask) {
    return pair & 0x80008000u | pair >> SHIFT & mask;
}
#endif

#if BITS == 8
#define FACTOR 0x7b807b80u // 2^120

__device__ __forceinline__ uint4 widened(unsigned low, unsigned high) {
    return make_uint4(times(moved<4>(__byte_perm(low, 0, 0x1404), 0x07f007f0u), FACTOR),
            times(moved<4>(__byte_perm(low, 0, 0x3424), 0x07f007f0u), FACTOR),
            times(moved<4>(__byte_perm(high, 0, 0x1404), 0x07f007f0u), FACTOR),
            times(moved<4>(__byte_perm(high, 0, 0x3424), 0x07f007f0u), FACTOR));
}
#elif BITS == 4
// 2^126 times the scale, in both halves; of scales above 128 it would be none
__device__ __forceinline__ unsigned factorOf(scaled scale) {
    return (unsigned)(scale + 126) << 7 | (unsigned)(scale + 126) << 23;
}

__device__ __forceinline__ uint4 widened(unsigned eight, unsigned factor) {
    unsigned lower = eight << 4;
    return make_uint4(times(moved<6>(__byte_perm(lower, eight, 0x4000), 0x01c001c0u), factor),
            times(moved<6>(__byte_perm(lower, eight, 0x5010), 0x01c001c0u), factor),
            times(moved<6>(__byte_perm(lower, eight, 0x6020), 0x01c001c0u), factor),
            times(moved<6>(__byte_perm(lower, eight, 0x7030), 0x01c001c0u), factor));
}
#endif
