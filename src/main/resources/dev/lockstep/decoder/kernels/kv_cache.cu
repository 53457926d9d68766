// Where keys and values lie, as cache.torchscript has them: kv [slots S, 2 KV_HEADS, HEAD_DIM], the tokens of slot n from
// n S on, of each the keys before the values.

// values from one token's to the next
#define TOKEN_STRIDE (2ll * KV_HEADS * HEAD_DIM)

// The keys and values that a kv head of a slot has.
struct KvCache {
    stored *keys, *values;
};

__device__ __forceinline__ KvCache cacheOf(stored *kv, long long S, int slot, int kvHead) {
    KvCache cache;
    cache.keys = kv + slot * S * TOKEN_STRIDE + kvHead * HEAD_DIM;
    cache.values = cache.keys + KV_HEADS * HEAD_DIM;
    return cache;
}
