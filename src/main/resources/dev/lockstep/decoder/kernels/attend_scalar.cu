// attend.cu's work without tensor cores, for float32 and for heads that are no multiple of 32: arguments, shapes and
// bytes as there, but chunks of 4 query heads and no fp8.
//
// LANES lanes share a token, so that one token's head is one read of theirs; each such team keeps its own running
// softmax, and teams, warps and splits are merged at the end.

#define WARPS (THREADS / 32)
// query heads of one block: registers hold a query and a sum for each
#define CHUNK (GROUP < 4 ? GROUP : 4)
#define PACKS (HEAD_DIM / PACK)
#define LANES (PACKS > 16 ? 32 : PACKS > 8 ? 16 : PACKS > 4 ? 8 : PACKS > 2 ? 4 : PACKS > 1 ? 2 : 1)
#define PIECES ((PACKS + LANES - 1) / LANES)
#define TEAMS (THREADS / LANES)
// tokens a team has in flight
#define AHEAD 4

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_AT_ONCE) attend(stored *out, const stored *qkv, kept *kv,
        const float *cosine, const float *sine, const long long *turnFrom, const factor *queryNorm, const factor *keyNorm,
        const long long *position, float *partial, int *arrived, const long long *table, long long W, int splitTokens, float scale,
        float eps, const float *rowScales, const float *columnScales, const stored *bias, const long long *beginnings,
        const float *shared, float keyScale, float valueScale, const stored *sinks) {
    begin();
    __shared__ stored query[CHUNK][HEAD_DIM];
    __shared__ __align__(16) float sums[WARPS][CHUNK][HEAD_DIM];
    __shared__ float most[WARPS][CHUNK];
    __shared__ float total[WARPS][CHUNK];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    Work my = work<CHUNK>();
    Projection projected = {qkv, rowScales, columnScales, bias};
    int at = (int)position[my.row];
    Angles turns = angles(cosine, sine, at + (int)turnFrom[my.row]);
    Part mine = part(0, at + 1, blockIdx.x, gridDim.x, splitTokens);
    if (blockIdx.x >= mine.parts) {
        return;
    }
    KvCache cache = cacheOf(kv, table, W, my.row, my.kvHead);

    // queries to shared memory; the split that holds the new token brings it into the cache, where it then finds it
    if (mine.newest && warp == WARPS - 1) {
        Head newKey = projected.head(my.row, HEADS + my.kvHead);
        turn(newKey, weightsOf(keyNorm, my.kvHead), turns, eps);
        kept *to = cache.keys(at);
        keepHead(to, newKey, keyScale);
        keepHead(to + VALUES, projected.head(my.row, HEADS + KV_HEADS + my.kvHead), valueScale);
    }
    for (int h = warp; h < CHUNK; h += WARPS) {
        Head head = {};
        if (h < my.heads) {
            head = projected.head(my.row, my.first + h);
            turn(head, weightsOf(queryNorm, my.first + h), turns, eps);
        }
        storeHead(query[h], head);
    }
    __syncthreads();

    int member = lane % LANES, team = threadIdx.x / LANES;
    float q[CHUNK][PIECES][PACK], sum[CHUNK][PIECES][PACK], high[CHUNK], weight[CHUNK];
#pragma unroll
    for (int h = 0; h < CHUNK; h++) {
        high[h] = LEAST;
        weight[h] = 0;
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                int d = (p * LANES + member) * PACK + k;
                q[h][p][k] = d < HEAD_DIM ? wide(query[h][d]) * scale : 0;
                sum[h][p][k] = 0;
            }
        }
    }
    for (int base = mine.begin; base < mine.end; base += TEAMS * AHEAD) {
        uint4 key[AHEAD][PIECES], value[AHEAD][PIECES];
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
            // past the end the last token is read again and not counted
            const kept *keys = cache.keys(min(base + u * TEAMS + team, mine.end - 1));
#pragma unroll
            for (int p = 0; p < PIECES; p++) {
                int piece = min(p * LANES + member, PACKS - 1) * PACK;
                key[u][p] = *(const uint4 *)(keys + piece);
                value[u][p] = *(const uint4 *)(keys + VALUES + piece);
            }
        }
        float scores[AHEAD][CHUNK];
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
#pragma unroll
            for (int h = 0; h < CHUNK; h++) {
                scores[u][h] = 0;
#pragma unroll
                for (int p = 0; p < PIECES; p++) {
                    Pack pack = unpack(key[u][p]);
#pragma unroll
                    for (int k = 0; k < PACK; k++) {
                        scores[u][h] += q[h][p][k] * pack.value[k];
                    }
                }
#pragma unroll
                for (int offset = LANES / 2; offset; offset /= 2) {
                    scores[u][h] += __shfl_xor_sync(~0u, scores[u][h], offset);
                }
                scores[u][h] = mine.sees(base + u * TEAMS + team) ? score(scores[u][h]) : LEAST;
            }
        }
#pragma unroll
        for (int h = 0; h < CHUNK; h++) {
            float higher = high[h];
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                higher = fmaxf(higher, scores[u][h]);
            }
            float shrink = exp2Fast(high[h] - higher);
            high[h] = higher;
            weight[h] *= shrink;
#pragma unroll
            for (int p = 0; p < PIECES; p++) {
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    sum[h][p][k] *= shrink;
                }
            }
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                // a team that has seen no token yet has the least maximum, against which nothing may count
                scores[u][h] = scores[u][h] > LEAST ? exp2Fast(scores[u][h] - higher) : 0;
                weight[h] += scores[u][h];
            }
        }
#pragma unroll
        for (int u = 0; u < AHEAD; u++) {
#pragma unroll
            for (int p = 0; p < PIECES; p++) {
                Pack pack = unpack(value[u][p]);
#pragma unroll
                for (int h = 0; h < CHUNK; h++) {
#pragma unroll
                    for (int k = 0; k < PACK; k++) {
                        sum[h][p][k] += scores[u][h] * pack.value[k];
                    }
                }
            }
        }
    }

    // teams of a warp
#pragma unroll
    for (int h = 0; h < CHUNK; h++) {
        float higher = high[h];
#pragma unroll
        for (int offset = LANES; offset < 32; offset *= 2) {
            higher = fmaxf(higher, __shfl_xor_sync(~0u, higher, offset));
        }
        float shrink = exp2Fast(high[h] - higher);
        weight[h] *= shrink;
#pragma unroll
        for (int offset = LANES; offset < 32; offset *= 2) {
            weight[h] += __shfl_xor_sync(~0u, weight[h], offset);
        }
        if (lane == 0) {
            most[warp][h] = higher;
            total[warp][h] = weight[h];
        }
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                float x = sum[h][p][k] * shrink;
#pragma unroll
                for (int offset = LANES; offset < 32; offset *= 2) {
                    x += __shfl_xor_sync(~0u, x, offset);
                }
                int d = (p * LANES + member) * PACK + k;
                if (lane < LANES && d < HEAD_DIM) {
                    sums[warp][h][d] = x;
                }
            }
        }
    }
    __syncthreads();
    leave<WARPS, CHUNK>(out + ((long long)my.row * HEADS + my.first) * HEAD_DIM, sums, most, total, my.heads, mine.parts, partial,
            arrived, Beginning(), my.first, valueScale, sinks);
}
