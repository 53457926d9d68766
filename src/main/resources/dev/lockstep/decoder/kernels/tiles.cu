// Attention to 16 tokens at a time on tensor cores, for 16-bit storage and heads of a multiple of 32: what both kernels that do so
// are made of.
//
// A warp takes 16 tokens at a time, as the 16 rows of mma.m16n8k16, and the up to 8 query heads of the group as its 8
// columns: scores = K Q^T, then sums^T += V^T P^T with a running softmax (Milakov and Gimelshein 2018). Both products sum
// in whatever order of their inner index, so that a lane loads 16 bytes in a row where the fragments' own order would
// scatter them: dimensions for K, which Q then follows, and tokens and dimensions for V. P changes from the layout of a
// result to that of an operand by movmatrix.

#define TILE 16
#define BLOCKS (HEAD_DIM / 32)
// 32-bit words of a value head that a lane takes from each token
#define WORDS (HEAD_DIM / 16)

// Keys and values in fp8 become float16 on the way, and queries and weights with them.
#if STORAGE == 15 && !KV_FP8
#define MMA_TYPES "f32.bf16.bf16.f32"
#define PACK_TYPE "bf16x2"
#else
#define MMA_TYPES "f32.f16.f16.f32"
#define PACK_TYPE "f16x2"
#endif

__device__ __forceinline__ void mma(float (&d)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0,
        unsigned b1) {
    asm("mma.sync.aligned.m16n8k16.row.col." MMA_TYPES " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

__device__ __forceinline__ unsigned transposed(float low, float high) {
    unsigned x, y;
    asm("cvt.rn." PACK_TYPE ".f32 %0, %1, %2;" : "=r"(x) : "f"(high), "f"(low));
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
    return y;
}

#if KV_FP8
// What a lane loads of 8 keys in a row, and of 4 values.
typedef uint2 Eight;
#define VALUE_WORDS (WORDS / 2)

__device__ __forceinline__ unsigned halves(unsigned fp8) {
    unsigned two;
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(two) : "h"((unsigned short)fp8));
    return two;
}

__device__ __forceinline__ uint4 operand(uint2 x) {
    return make_uint4(halves(x.x), halves(x.x >> 16), halves(x.y), halves(x.y >> 16));
}

__device__ __forceinline__ unsigned valueWord(const unsigned (&value)[VALUE_WORDS], int w) {
    return halves(value[w / 2] >> 16 * (w % 2));
}
#else
typedef uint4 Eight;
#define VALUE_WORDS WORDS

__device__ __forceinline__ uint4 operand(uint4 x) {
    return x;
}

__device__ __forceinline__ unsigned valueWord(const unsigned (&value)[VALUE_WORDS], int w) {
    return value[w];
}
#endif

// A query's dimension as products take it, in a place of 16 bits.
__device__ __forceinline__ void storeQuery(stored *to, const Head &head) {
#if KV_FP8
#pragma unroll
    for (int j = 0; j < PAIRS; j++) {
        int d = dimension(j);
        if (d < HALF) {
            unsigned low, high;
            asm("cvt.rn.f16x2.f32 %0, %1, %2;"
                : "=r"(low)
                : "f"(wide(narrow(head.low[j].y))), "f"(wide(narrow(head.low[j].x))));
            asm("cvt.rn.f16x2.f32 %0, %1, %2;"
                : "=r"(high)
                : "f"(wide(narrow(head.high[j].y))), "f"(wide(narrow(head.high[j].x))));
            *(unsigned *)(to + lowOf(d)) = low;
            *(unsigned *)(to + highOf(d)) = high;
        }
    }
#else
    storeHead(to, head);
#endif
}

// Lane (g, c) takes keys g and g + 8 of a tile that has so many tokens, dimensions 32 b + 8 c to 32 b + 8 c + 7 of each.
__device__ __forceinline__ void readKeys(Eight (&key)[2][BLOCKS], const kept *keys, long long stride, int tokens) {
    int g = threadIdx.x % 32 / 4, c = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        // past the end the last token is read again, and not counted
        const kept *from = keys + min(g + 8 * i, tokens - 1) * stride;
#pragma unroll
        for (int b = 0; b < BLOCKS; b++) {
            key[i][b] = *(const Eight *)(from + 32 * b + 8 * c);
        }
    }
}

// Values 2 c, 2 c + 1, 2 c + 8 and 2 c + 9, of which it takes as many dimensions in a row as 8 lanes share evenly.
__device__ __forceinline__ void readValues(unsigned (&value)[4][VALUE_WORDS], const kept *values, long long stride, int tokens) {
    int g = threadIdx.x % 32 / 4, c = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const kept *from = values + min(2 * c + i % 2 + 8 * (i / 2), tokens - 1) * stride;
#if HEAD_DIM % 64 == 0
#pragma unroll
        for (int w = 0; w < WORDS; w += 4) {
            Eight eight = *(const Eight *)(from + 16 * w + 8 * g);
#if KV_FP8
            value[i][w / 2] = eight.x;
            value[i][w / 2 + 1] = eight.y;
#else
            value[i][w] = eight.x;
            value[i][w + 1] = eight.y;
            value[i][w + 2] = eight.z;
            value[i][w + 3] = eight.w;
#endif
        }
#else
#pragma unroll
        for (int w = 0; w < WORDS; w += 2) {
#if KV_FP8
            value[i][w / 2] = *(const unsigned *)(from + 16 * w + 4 * g);
#else
            uint2 two = *(const uint2 *)(from + 16 * w + 4 * g);
            value[i][w] = two.x;
            value[i][w + 1] = two.y;
#endif
        }
#endif
    }
}

// The dimension of the low half of a lane's word w
__device__ __forceinline__ int valueDimension(int w, int g) {
#if HEAD_DIM % 64 == 0
    return 16 * (w / 4 * 4) + 8 * g + 2 * (w % 4);
#else
    return 16 * (w / 2 * 2) + 4 * g + 2 * (w % 2);
#endif
}

// Products of a tile's keys with 8 queries, of which a lane has scores[h] of key g and scores[h + 2] of key g + 8 with query
// 2 c + h.
__device__ __forceinline__ void multiply(float (&scores)[4], const Eight (&key)[2][BLOCKS], const uint4 (&q)[BLOCKS]) {
    // in two chains, since each product waits for the one that it adds to
    float even[4] = {}, odd[4] = {};
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) {
        uint4 k0 = operand(key[0][b]), k1 = operand(key[1][b]);
        mma(even, k0.x, k1.x, k0.y, k1.y, q[b].x, q[b].y);
        mma(odd, k0.z, k1.z, k0.w, k1.w, q[b].z, q[b].w);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        scores[i] = even[i] + odd[i];
    }
}

// Adds a tile's values, weighted by its scores, to the sums of 8 queries; high and weight are a lane's of queries 2 c and 2 c + 1,
// and sum[w] holds dimensions d and d + 1 of word w, each for both.
__device__ __forceinline__ void take(float (&scores)[4], const unsigned (&value)[4][VALUE_WORDS], float (&high)[2], float (&weight)[2],
        float (&sum)[WORDS][4]) {
    float shrink[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float higher = fmaxf(scores[h], scores[h + 2]);
#pragma unroll
        for (int offset = 4; offset < 32; offset *= 2) {
            higher = fmaxf(higher, __shfl_xor_sync(~0u, higher, offset));
        }
        higher = fmaxf(higher, high[h]);
        shrink[h] = exp2Fast(high[h] - higher);
        high[h] = higher;
        scores[h] = exp2Fast(scores[h] - higher);
        scores[h + 2] = exp2Fast(scores[h + 2] - higher);
        weight[h] = weight[h] * shrink[h] + scores[h] + scores[h + 2];
    }
    unsigned p0 = transposed(scores[0], scores[1]), p1 = transposed(scores[2], scores[3]);
#pragma unroll
    for (int w = 0; w < WORDS; w++) {
        sum[w][0] *= shrink[0];
        sum[w][1] *= shrink[1];
        sum[w][2] *= shrink[0];
        sum[w][3] *= shrink[1];
        unsigned a = valueWord(value[0], w), b = valueWord(value[1], w), d = valueWord(value[2], w), e = valueWord(value[3], w);
        mma(sum[w], __byte_perm(a, b, 0x5410), __byte_perm(a, b, 0x7632), __byte_perm(d, e, 0x5410),
                __byte_perm(d, e, 0x7632), p0, p1);
    }
}

// The sums of the weights that lanes with the same queries have.
__device__ __forceinline__ void addLanes(float (&weight)[2]) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int offset = 4; offset < 32; offset *= 2) {
            weight[h] += __shfl_xor_sync(~0u, weight[h], offset);
        }
    }
}
