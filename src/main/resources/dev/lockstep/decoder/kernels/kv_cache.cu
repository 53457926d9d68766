// Where keys and values lie, as cache.torchscript has them: kv [pages PAGE, 2 KV_HEADS, HEAD_DIM], of a token the keys before
// the values; token t of a row stands in page table[row][t / PAGE], of a table [slots, W]. PAGE is a multiple of 16.
// They are stored as all else is, or in fp8 (e4m3, KV_FP8), of which the largest number is 448, divided by a scale of the layer's
// keys and one of its values, powers of 2.

#if KV_FP8
typedef unsigned char kept;
#else
typedef stored kept;
#endif

// values from one token's to the next
#define TOKEN_STRIDE (2ll * KV_HEADS * HEAD_DIM)

// The keys and values that a kv head of a row has.
struct KvCache {
    kept *kv;
    const long long *pages;

    // Of one token; those up to the next multiple of 16 follow.
    __device__ __forceinline__ kept *keys(int token) const {
        return inPage(pages[token / PAGE], token);
    }

    __device__ __forceinline__ kept *inPage(long long page, int token) const {
        return kv + (page * PAGE + token % PAGE) * TOKEN_STRIDE;
    }
};

// values from a token's keys to its values
#define VALUES (KV_HEADS * HEAD_DIM)

__device__ __forceinline__ KvCache cacheOf(kept *kv, const long long *table, long long W, int row, int kvHead) {
    KvCache cache;
    cache.kv = kv + kvHead * HEAD_DIM;
    cache.pages = table + row * W;
    return cache;
}

__device__ __forceinline__ void keepPair(kept *to, float2 pair, float scale) {
#if KV_FP8
    unsigned short two;
    // as it would be stored first
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;"
        : "=h"(two)
        : "f"(wide(narrow(pair.y)) / scale), "f"(wide(narrow(pair.x)) / scale));
    *(unsigned short *)to = two;
#else
    storePair(to, pair);
#endif
}
