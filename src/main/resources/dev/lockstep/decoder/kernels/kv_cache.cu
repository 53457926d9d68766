// Where keys and values lie, as cache.torchscript has them: kv [pages PAGE, 2 KV_HEADS, HEAD_DIM], of a token the keys before
// the values; token t of a row stands in page table[row][t / PAGE], of a table [slots, W]. PAGE is a multiple of 16.

// values from one token's to the next
#define TOKEN_STRIDE (2ll * KV_HEADS * HEAD_DIM)

// The keys and values that a kv head of a row has.
struct KvCache {
    stored *kv;
    const long long *pages;

    // Of one token; those up to the next multiple of 16 follow.
    __device__ __forceinline__ stored *keys(int token) const {
        return inPage(pages[token / PAGE], token);
    }

    __device__ __forceinline__ stored *inPage(long long page, int token) const {
        return kv + (page * PAGE + token % PAGE) * TOKEN_STRIDE;
    }
};

// values from a token's keys to its values
#define VALUES (KV_HEADS * HEAD_DIM)

__device__ __forceinline__ KvCache cacheOf(stored *kv, const long long *table, long long W, int row, int kvHead) {
    KvCache cache;
    cache.kv = kv + kvHead * HEAD_DIM;
    cache.pages = table + row * W;
    return cache;
}
