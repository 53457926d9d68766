// One decode step's attention on tensor cores, for 16-bit storage and heads of a multiple of 32: from the fused
// projection on, that is norm and rotation of queries and keys, the new key and value into the cache, and attention of
// each query head over its row's cache by length.
//
//   out [N, HEADS HEAD_DIM]; qkv [N, (HEADS + 2 KV_HEADS) HEAD_DIM]; kv, table and W as in kv_cache.cu; position [N] int64, where
//   the new token stands, so that position + 1 are seen; cosine, sine as angles() has them, of which a
//   row's begin at turnFrom [N]; the norms' weights [HEAD_DIM]; scale is the model's times keyScale.
//   partial [N, y, SPLITS, CHUNK, HEAD_DIM + 4] floats and arrived [N, y] ints, zeros before and after, where SPLITS > 1.
// Blocks (x: SPLITS of a row's tokens, y: kv heads times chunks of 8 query heads, z: rows) of THREADS, which is
// given to the compiler: more of them for few blocks, fewer for many.
// Bytes: keys and values of all tokens seen, once for each chunk, in fp8 half as many.
//
// Each warp takes tiles of its own; warps and splits are merged at the end, and what a beginning that rows share has come to
// (share.cu).

#define WARPS (THREADS / 32)
#define CHUNK (GROUP < 8 ? GROUP : 8)
// query heads that a warp turns
#define TURNS ((CHUNK + WARPS - 1) / WARPS)

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_AT_ONCE) attend(stored *out, const stored *qkv, kept *kv,
        const float *cosine, const float *sine, const long long *turnFrom, const factor *queryNorm, const factor *keyNorm,
        const long long *position, float *partial, int *arrived, const long long *table, long long W, int splitTokens, float scale,
        float eps, const float *rowScales, const float *columnScales, const stored *bias, const long long *beginnings,
        const float *shared, float keyScale, float valueScale, const stored *sinks) {
    begin();
    __shared__ __align__(16) stored query[8][HEAD_DIM];
    __shared__ __align__(16) float sums[WARPS][CHUNK][HEAD_DIM];
    __shared__ float most[WARPS][CHUNK];
    __shared__ float total[WARPS][CHUNK];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    Work my = work<CHUNK>();
    Projection projected = {qkv, rowScales, columnScales, bias};

    // what comes from the projection and of the position is asked for first: behind the tokens it would wait for them
    int at = (int)position[my.row];
    Part mine = part(beginning(beginnings, shared, my.row, at).tokens, at + 1, blockIdx.x, gridDim.x, splitTokens);
    if (blockIdx.x >= mine.parts) {
        return;
    }
    Head queries[TURNS] = {};
#pragma unroll
    for (int t = 0; t < TURNS; t++) {
        if (t * WARPS + warp < my.heads) {
            queries[t] = projected.head(my.row, my.first + t * WARPS + warp);
        }
    }
    Head newKey = {}, newValue = {};
    if (warp == WARPS - 1) {
        newKey = projected.head(my.row, HEADS + my.kvHead);
        newValue = projected.head(my.row, HEADS + KV_HEADS + my.kvHead);
    }
    Angles turns = angles(cosine, sine, at + (int)turnFrom[my.row]);

    KvCache cache = cacheOf(kv, table, W, my.row, my.kvHead);
    int tile = mine.begin + warp * TILE;
    Eight key[2][BLOCKS];
    unsigned value[4][VALUE_WORDS];
    if (tile < mine.end) {
        const kept *keys = cache.keys(tile);
        readKeys(key, keys, TOKEN_STRIDE, mine.end - tile);
        readValues(value, keys + VALUES, TOKEN_STRIDE, mine.end - tile);
    }
    // the page of the next tile is known before it is read
    long long page = cache.pages[min(tile + WARPS * TILE, at) / PAGE];

    // meanwhile the queries go to shared memory and the new token into the cache
    if (mine.newest && warp == WARPS - 1) {
        turn(newKey, weightsOf(keyNorm, my.kvHead), turns, eps);
        kept *to = cache.keys(at);
        keepHead(to, newKey, keyScale);
        keepHead(to + VALUES, newValue, valueScale);
    }
#pragma unroll
    for (int t = 0; t < TURNS; t++) {
        turn(queries[t], weightsOf(queryNorm, min(my.first + t * WARPS + warp, HEADS - 1)), turns, eps);
        if (t * WARPS + warp < 8) {
            storeQuery(query[t * WARPS + warp], queries[t]);
        }
    }
    for (int h = TURNS * WARPS + warp; h < 8; h += WARPS) {
        storeQuery(query[h], Head());
    }
    __syncthreads();
    uint4 q[BLOCKS];
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) {
        q[b] = *(const uint4 *)(query[g] + 32 * b + 8 * c);
    }
    if (tile < mine.end && mine.end > at && tile + TILE > at) {
        const kept *keys = cache.keys(tile);
        readKeys(key, keys, TOKEN_STRIDE, mine.end - tile);
        readValues(value, keys + VALUES, TOKEN_STRIDE, mine.end - tile);
    }

    // of heads 2 c and 2 c + 1
    float high[2] = {LEAST, LEAST}, weight[2] = {0, 0}, sum[WORDS][4] = {};
    while (tile < mine.end) {
        float scores[4];
        multiply(scores, key, q);
        // the next tile's are under way as soon as there is room for them
        int next = tile + WARPS * TILE;
        const kept *keys = cache.inPage(page, next);
        if (next < mine.end) {
            readKeys(key, keys, TOKEN_STRIDE, mine.end - next);
        }
        page = cache.pages[min(next + WARPS * TILE, at) / PAGE];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            scores[h] = mine.sees(tile + g) ? score(scores[h] * scale) : LEAST;
            scores[h + 2] = mine.sees(tile + g + 8) ? score(scores[h + 2] * scale) : LEAST;
        }
        take(scores, value, high, weight, sum);
        if (next < mine.end) {
            readValues(value, keys + VALUES, TOKEN_STRIDE, mine.end - next);
        }
        tile = next;
    }

    addLanes(weight);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int head = 2 * c + h;
        if (head < my.heads) {
            if (g == 0) {
                most[warp][head] = high[h];
                total[warp][head] = weight[h];
            }
#pragma unroll
            for (int w = 0; w < WORDS; w++) {
                *(float2 *)&sums[warp][head][valueDimension(w, g)] = make_float2(sum[w][h], sum[w][h + 2]);
            }
        }
    }
    __syncthreads();
    leave<WARPS, CHUNK>(out + ((long long)my.row * HEADS + my.first) * HEAD_DIM, sums, most, total, my.heads, mine.parts,
            partial, arrived, beginning(beginnings, shared, my.row, at), my.first, valueScale, sinks);
}
