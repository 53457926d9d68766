// One decode step's attention to beginnings that several rows share, which are read once for as many rows as a block has room for
// instead of once for each: what FlashInfer calls a cascade (Ye et al. 2025), here of one level. attend.cu then begins behind
// them and adds what is left here.
//
//   sums [parts, HEADS, HEAD_DIM + 4] floats, as Beginning has them; items [x, 6] int64: where its rows begin in rows, how many they
//   are, its tokens from and to, multiples of 16, the part of its first row, which the others' follow, and 0; without rows: nothing to
//   do. rows [.] int64: slots. All else as in attend.cu.
// Blocks (x: items, y: kv heads) of THREADS.
// Bytes: keys and values of an item's tokens once; ROWS rows at most.
//
// A block's warps hold WARP_COLUMNS queries each, of GROUP heads of each row, and take all of its tokens, which come to shared
// memory stage by stage, the next while one is worked on.

#define WARPS (THREADS / 32)
// columns of 8 queries that a warp holds, which is what its registers have room for
#define COLUMNS (HEAD_DIM > 128 ? 1 : 2)
#define WARP_COLUMNS (8 * COLUMNS)
#define ROWS (WARPS * WARP_COLUMNS / GROUP)
#define STAGE (HEAD_DIM > 128 ? 16 : 32)
// from one token's keys to the next's, and values', such that lanes hit different banks
#define KEY_STRIDE (HEAD_DIM + 32)
#define VALUE_STRIDE (HEAD_DIM + 16 / (int)sizeof(kept))
#define STAGE_BYTES (STAGE * (KEY_STRIDE + VALUE_STRIDE) * (int)sizeof(kept))
#define QUERY_BYTES (WARPS * WARP_COLUMNS * HEAD_DIM * 2)
#define SHARED_BYTES (2 * STAGE_BYTES > QUERY_BYTES ? 2 * STAGE_BYTES : QUERY_BYTES)
// of 16 bytes
#define PACKS (HEAD_DIM * (int)sizeof(kept) / 16)
// queries that a warp has under way at a time
#define AHEAD (HEAD_DIM > 128 ? 4 : 8)

__device__ __forceinline__ void copyAsync(void *to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from));
}

struct Stage {
    kept *keys, *values;

    __device__ __forceinline__ Stage(unsigned char *memory, int i) {
        keys = (kept *)(memory + i % 2 * STAGE_BYTES);
        values = keys + STAGE * KEY_STRIDE;
    }

    // Tokens from this one on, as many as there are and find room.
    __device__ __forceinline__ void load(const KvCache &cache, int token, int end) const {
        int tokens = min(STAGE, end - token);
        for (int i = threadIdx.x; i < tokens * PACKS; i += THREADS) {
            int t = i / PACKS, at = i % PACKS * (16 / (int)sizeof(kept));
            const kept *from = cache.keys(token + t) + at;
            copyAsync(keys + t * KEY_STRIDE + at, from);
            copyAsync(values + t * VALUE_STRIDE + at, from + VALUES);
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1) share(float *sums, const stored *qkv, kept *kv, const float *cosine,
        const float *sine, const long long *turnFrom, const factor *queryNorm, const long long *position, const long long *table,
        long long W, const long long *items, const long long *rows, float scale, float eps, const float *rowScales,
        const float *columnScales, const stored *bias) {
    begin();
    __shared__ __align__(16) unsigned char memory[SHARED_BYTES];
    const long long *item = items + 6 * blockIdx.x;
    int count = (int)item[1], begin = (int)item[2], end = (int)item[3], kvHead = blockIdx.y;
    if (count == 0) {
        return;
    }
    rows += item[0];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    int first = warp * WARP_COLUMNS, columns = min(count * GROUP - first, WARP_COLUMNS);
    Projection projected = {qkv, rowScales, columnScales, bias};
    KvCache cache = cacheOf(kv, table, W, (int)rows[0], kvHead);

    stored(*query)[HEAD_DIM] = (stored(*)[HEAD_DIM])memory + first;
    for (int i = 0; i < WARP_COLUMNS; i += AHEAD) {
        Head heads[AHEAD] = {};
        Angles turns[AHEAD] = {};
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            if (i + j < columns) {
                int row = (int)rows[(first + i + j) / GROUP];
                heads[j] = projected.head(row, kvHead * GROUP + (first + i + j) % GROUP);
                turns[j] = angles(cosine, sine, (int)position[row] + (int)turnFrom[row]);
            }
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            turn(heads[j], weightsOf(queryNorm, kvHead * GROUP + (first + i + j) % GROUP), turns[j], eps);
            storeQuery(query[i + j], heads[j]);
        }
    }
    __syncwarp();
    uint4 q[COLUMNS][BLOCKS];
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
        for (int b = 0; b < BLOCKS; b++) {
            q[n][b] = *(const uint4 *)(query[8 * n + g] + 32 * b + 8 * c);
        }
    }
    __syncthreads();

    float high[COLUMNS][2], weight[COLUMNS][2] = {}, sum[COLUMNS][WORDS][4] = {};
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
        high[n][0] = high[n][1] = LEAST;
    }
    Stage(memory, 0).load(cache, begin, end);
    asm volatile("cp.async.commit_group;");
    for (int token = begin, i = 0; token < end; token += STAGE, i++) {
        if (token + STAGE < end) {
            Stage(memory, i + 1).load(cache, token + STAGE, end);
        }
        asm volatile("cp.async.commit_group;");
        asm volatile("cp.async.wait_group 1;");
        __syncthreads();
        Stage stage(memory, i);
        for (int t = 0; t < min(STAGE, end - token) && columns > 0; t += TILE) {
            Eight key[2][BLOCKS];
            unsigned value[4][VALUE_WORDS];
            readKeys(key, stage.keys + t * KEY_STRIDE, KEY_STRIDE, TILE);
            readValues(value, stage.values + t * VALUE_STRIDE, VALUE_STRIDE, TILE);
#pragma unroll
            for (int n = 0; n < COLUMNS; n++) {
                float scores[4];
                multiply(scores, key, q[n]);
#pragma unroll
                for (int s = 0; s < 4; s++) {
                    scores[s] = score(scores[s] * scale);
                }
                take(scores, value, high[n], weight[n], sum[n]);
            }
        }
        __syncthreads();
    }

#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
        addLanes(weight[n]);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int column = 8 * n + 2 * c + h;
            if (column < columns) {
                int head = kvHead * GROUP + (first + column) % GROUP;
                float *to = sums + ((item[4] + (first + column) / GROUP) * HEADS + head) * (HEAD_DIM + 4);
                if (g == 0) {
                    *(float2 *)(to + HEAD_DIM) = make_float2(high[n][h], weight[n][h]);
                }
#pragma unroll
                for (int w = 0; w < WORDS; w++) {
                    *(float2 *)(to + valueDimension(w, g)) = make_float2(sum[n][w][h], sum[n][w][h + 2]);
                }
            }
        }
    }
}
