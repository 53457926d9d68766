// Samples each row's next token from its logits, as sample of sampling.torchscript defines it but for steps with
// log-probabilities and refined ones: masks, penalties, end tokens held back or favoured, then the likeliest token or a draw after
// temperature, top-k, top-p and min-p; and what follows from it, the rows' token, position, step, token counts and chosen.
//
// logits [N, V] float32, which masks, penalties and end tokens overwrite; samplingFloats [slots, SAMPLING_FLOATS], samplingInts
// [slots, SAMPLING_INTS + E], token, position, step [slots], chosen [M, slots], int64 but for the floats, as in
// decoder.torchscript; tokenCounts [slots, V] int32, or null where no row has a penalty. V, E and M are any, M up to 1,024.
// Of the first maskRows rows each keeps the tokens whose bit is set in the mask maskOf[row] of masks [., ceil(V / 64)], if that is
// not -1. sampled and filtered: some row draws, and some of them has a top-k or a top-p. The columns of the settings, and what
// stands for a token where there is none, come as constants from SamplingColumns.java and CudaSampler.java.
// With PEERS a row's logits are those of V tokens from first on, of whole ones; other ranks have the rest, and the best of all
// ranks' is found through the memory at peers that peer_rows.cu tells of. No row draws then, or has a mask.
// One block of 1,024 threads a row. Bytes: 4 N V for the likeliest token alone, once more to draw, twice more for each of
// top-k and top-p, 4 N V of the token counts, and to mask up to that much.
//
// Nothing is sorted. With d = (best - logit) / temperature, which is 0 or more, all of a row's filters say d <= limit. To
// find it d is rounded up to a level, a multiple of 2^-17, and levels are counted in two passes: those of 2,048 bins of
// width 1/64, then the 2,048 levels of the bin in which the k or the p is reached. Tokens of one level stay or go together.
// Past 32 all is kept: such a token is less likely than 2^-46 times the best. Bins are linear in d, which spreads logits
// over many of them, so that threads hardly wait for each other. Probabilities are added up as integers, so that the order
// in which threads come does not change what a row draws.

#define THREADS 1024
#define WARPS (THREADS / 32)
// packs of four logits that a thread has under way at a time
#define AHEAD 4
#define BINS 2048
#define BIN_LEVELS 2048u
#define LEVELS 131072.0f
// levels of all bins but the last, which takes the rest
#define COUNTED ((BINS - 2) * BIN_LEVELS)
#define ALL 0xffffffffu
// A token with a larger d cannot win the race, in which -log u is from 2^-24 to 16.7.
#define REACH 20.0f
#define LEAST __uint_as_float(0xff800000u)
// of a step of u, 2^-24; 1 - u is at least that
#define HALF 5.9604645e-8f
#define GOLDEN 0x9e3779b97f4a7c15ull
// less than the key of any number
#define BROKEN 0ull

typedef unsigned long long word;

// A row's logits as seen from its best one.
struct Row {
    const float *logits;
    int V;
    float best, inverseTemperature;
};

// In which bin a sum over the bins reaches its target, and what is missing from it before.
struct Crossing {
    unsigned bin;
    word missing;
};

__device__ __forceinline__ float4 four(const float *logits, int i, int V) {
    float4 x = make_float4(LEAST, LEAST, LEAST, LEAST);
    if (V % 4 == 0) {
        if (i < V) {
            x = *(const float4 *)(logits + i);
        }
    } else {
        // rows are not aligned
        x.x = i < V ? logits[i] : LEAST;
        x.y = i + 1 < V ? logits[i + 1] : LEAST;
        x.z = i + 2 < V ? logits[i + 2] : LEAST;
        x.w = i + 3 < V ? logits[i + 3] : LEAST;
    }
    return x;
}

// use(logit, token) for the thread's share of the row, in ascending order; past the end logits are -infinity. pack() comes
// before each four of them.
template <typename Pack, typename Use>
__device__ __forceinline__ void each(const float *logits, int V, Pack pack, Use use) {
    for (int start = 4 * threadIdx.x; start < V; start += 4 * THREADS * AHEAD) {
        float4 x[AHEAD];
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            x[j] = four(logits, start + 4 * THREADS * j, V);
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            int i = start + 4 * THREADS * j;
            pack();
            use(x[j].x, i);
            use(x[j].y, i + 1);
            use(x[j].z, i + 2);
            use(x[j].w, i + 3);
        }
    }
}

// The least key of the block's threads, in every thread.
__device__ __forceinline__ word least(word key) {
    __shared__ word keys[WARPS];
    for (int offset = 16; offset; offset /= 2) {
        key = min(key, __shfl_xor_sync(~0u, key, offset));
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
        keys[threadIdx.x / 32] = key;
    }
    __syncthreads();
    key = keys[threadIdx.x % 32];
    for (int offset = 16; offset; offset /= 2) {
        key = min(key, __shfl_xor_sync(~0u, key, offset));
    }
    return key;
}

// Keys that are less for larger values and, of equal ones, for the lower token.
__device__ __forceinline__ word keyOf(float value, int token) {
    // -0 becomes 0
    unsigned bits = __float_as_uint(value + 0.0f);
    unsigned descending = bits >> 31 ? bits : bits ^ 0x7fffffffu;
    return (word)descending << 32 | (unsigned)token;
}

__device__ __forceinline__ float valueOf(word key) {
    unsigned descending = (unsigned)(key >> 32);
    return __uint_as_float(descending >> 31 ? descending : descending ^ 0x7fffffffu);
}

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
__device__ __forceinline__ word mix(word z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

// As penalize of sampling.torchscript, of the tokens that the row has.
__device__ __forceinline__ void penalize(float *logits, const int *tokenCounts, int V, float prompt, float repetition,
        float presence, float frequency) {
    float inverse = 1 / prompt;
    for (int start = threadIdx.x; start < V; start += THREADS * 4 * AHEAD) {
        int flags[4 * AHEAD];
#pragma unroll
        for (int j = 0; j < 4 * AHEAD; j++) {
            int i = start + THREADS * j;
            flags[j] = i < V ? tokenCounts[i] : 0;
        }
#pragma unroll
        for (int j = 0; j < 4 * AHEAD; j++) {
            if (flags[j] > 0) {
                int i = start + THREADS * j;
                float x = logits[i], times = (float)(flags[j] >> 1);
                if (flags[j] & 1) {
                    x = x < 0 ? x * inverse : x / inverse;
                }
                x = x < 0 ? x * repetition : x / repetition;
                // rounded after each operation, as the program does
                x = __fsub_rn(x, times > 0 ? presence : 0);
                logits[i] = __fsub_rn(x, __fmul_rn(frequency, times));
            }
        }
    }
}

// d in levels, rounded up: the sum's last bit is a level. Past 2^23 levels, and for what is no number, only some larger
// number.
__device__ __forceinline__ unsigned levelOf(float d) {
    return __float_as_uint(__fmaf_ru(d, LEVELS, 8388608.0f)) - 0x4b000000u;
}

// Where the sum over bins, low + 2^32 high each, reaches the target; in the last bin where it does not. A target of 0
// stands for this share of the sum of all.
__device__ __forceinline__ Crossing cross(const unsigned *low, const unsigned *high, word target, double share) {
    __shared__ Crossing found;
    __shared__ word sums[WARPS];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, bin = 2 * threadIdx.x;
    word first = (word)high[bin] << 32 | low[bin];
    word both = first + ((word)high[bin + 1] << 32 | low[bin + 1]);
    word sum = both;
    for (int offset = 1; offset < 32; offset *= 2) {
        word before = __shfl_up_sync(~0u, sum, offset);
        sum += lane >= offset ? before : 0;
    }
    if (lane == 31) {
        sums[warp] = sum;
    }
    if (threadIdx.x == 0) {
        found.bin = BINS - 1;
        found.missing = 0;
    }
    __syncthreads();
    word before = sum - both, total = 0;
    for (int w = 0; w < WARPS; w++) {
        before += w < warp ? sums[w] : 0;
        total += sums[w];
    }
    if (target == 0) {
        target = max((word)ceil(share * (double)total), 1ull);
    }
    if (before < target && target <= before + both) {
        bool second = before + first < target;
        found.bin = bin + second;
        found.missing = target - before - (second ? first : 0);
    }
    __syncthreads();
    return found;
}

// Of the row's tokens up to a level, the level up to which they reach the target, which is a number of tokens, or 0 for
// this share of their probability. In other words: tokens stay of which those that are strictly likelier do not reach it.
template <bool PROBABILITY>
__device__ __forceinline__ unsigned narrowed(Row row, unsigned limit, word target, double share) {
    __shared__ unsigned low[BINS], high[BINS];
    unsigned bin = 0;
    for (int fine = 0; fine < 2; fine++) {
        // the threads have read them, but for those of an earlier call
        __syncthreads();
        for (int i = threadIdx.x; i < BINS; i += THREADS) {
            low[i] = 0;
            high[i] = 0;
        }
        __syncthreads();
        unsigned from = fine ? (bin - 1) * BIN_LEVELS + 1 : 0;
        unsigned to = min(limit, fine ? bin * BIN_LEVELS : COUNTED);
        each(row.logits, row.V, [] {}, [&](float x, int) {
            float d = (row.best - x) * row.inverseTemperature;
            unsigned level = levelOf(d);
            if (level >= from && level <= to) {
                unsigned at = fine ? level - from : (level + BIN_LEVELS - 1) / BIN_LEVELS;
                unsigned weight = PROBABILITY ? __float2uint_rn(__expf(-d) * 2147483648.0f) : 1;
                unsigned before = atomicAdd(low + at, weight);
                if (before + weight < before) {
                    atomicAdd(high + at, 1u);
                }
            }
        });
        __syncthreads();
        Crossing crossing = cross(low, high, target, share);
        if (fine) {
            return from + crossing.bin;
        }
        if (crossing.bin == BINS - 1) {
            return limit;
        }
        if (crossing.bin == 0) {
            // ties with the best
            return 0;
        }
        bin = crossing.bin;
        target = crossing.missing;
    }
    return limit;
}

// 1 + b / 2^23 for the 23 random bits b of a token, of which uniform of random.torchscript makes u = (b + 0.5) / 2^23.
__device__ __forceinline__ float draw(word seed, int token) {
    return __uint_as_float(0x3f800000u | (unsigned)(mix(seed + (word)(token + 1) * GOLDEN) >> 41));
}

// -log u
__device__ __forceinline__ float minusLog(float drawn) {
    return -logf((drawn - 1.0f) + HALF);
}

// The winner of a race of exponential clocks among the tokens with d up to the limit: the least -log(u) e^d. key and step
// fix u. No logarithm is taken for a token whose time cannot be a record, since -log u is at least 1 - u.
__device__ __forceinline__ int race(Row row, float limit, word key, word step, int likeliest) {
    __shared__ unsigned record;
    word seed = mix(key + (step + 1) * GOLDEN);
    if (threadIdx.x == 0) {
        record = __float_as_uint(minusLog(draw(seed, likeliest)));
    }
    __syncthreads();
    float time = __uint_as_float(0x7f800000u), bound;
    int winner = likeliest;
    each(
            row.logits, row.V, [&] { bound = __uint_as_float(*(volatile unsigned *)&record); },
            [&](float x, int i) {
                float d = (row.best - x) * row.inverseTemperature;
                // somewhat less than e^d
                float under = __expf(d) * 0.9999f;
                if (d <= limit && under * HALF <= bound) {
                    float drawn = draw(seed, i);
                    if (under * ((2.0f - drawn) - HALF) <= bound) {
                        float mine = minusLog(drawn) * expf(d);
                        if (mine < time) {
                            time = mine;
                            winner = i;
                            // positive floats have their bits in their order
                            atomicMin(&record, __float_as_uint(mine));
                        }
                    }
                }
            });
    return (int)(unsigned)least((word)__float_as_uint(time) << 32 | (unsigned)winner);
}

extern "C" __global__ void __launch_bounds__(THREADS) sample(float *logits, const float *samplingFloats,
        const long long *samplingInts, int *tokenCounts, long long *token, long long *position, long long *step,
        long long *chosen, int V, int E, int slots, int M, long long capacity, int sampled, int filtered,
        const long long *slotOf, const long long *maskOf, const word *masks, int maskRows
#if PEERS
        ,
        char *peers, int rank, int size, int firstToken, int whole
#endif
) {
#if !PEERS
    const int firstToken = 0, whole = V;
#endif
    // of row blockIdx.x, which is in the slot of that number unless slotOf [rows] says otherwise
    long long slot = slotOf ? slotOf[blockIdx.x] : blockIdx.x;
    float *mine = logits + (long long)blockIdx.x * V;
    const float *floats = samplingFloats + slot * SAMPLING_FLOATS;
    const long long *ints = samplingInts + slot * (SAMPLING_INTS + E);
    long long generated = step[slot];
    long long later = threadIdx.x + 1 < M ? chosen[(threadIdx.x + 1ll) * slots + slot] : 0;

    if (blockIdx.x < maskRows && maskOf[blockIdx.x] >= 0) {
        const word *mask = masks + maskOf[blockIdx.x] * ((V + 63) / 64);
        for (int i = threadIdx.x; i < V; i += THREADS) {
            if (!(mask[i / 64] >> i % 64 & 1)) {
                mine[i] = LEAST;
            }
        }
        __syncthreads();
    }
    if (tokenCounts && (floats[REPETITION_PENALTY] != 1 || floats[PRESENCE_PENALTY] != 0
            || floats[FREQUENCY_PENALTY] != 0 || floats[PROMPT_PENALTY] != 1)) {
        penalize(mine, tokenCounts + slot * whole + firstToken, V, floats[PROMPT_PENALTY], floats[REPETITION_PENALTY],
                floats[PRESENCE_PENALTY], floats[FREQUENCY_PENALTY]);
        __syncthreads();
    }
    bool early = generated < ints[MIN_NEW_TOKENS];
    if (early || (floats[DECAY_FACTOR] != 1 && generated > ints[DECAY_START])) {
        float growth = fminf(powf(floats[DECAY_FACTOR], (float)max(generated - ints[DECAY_START], 0ll)), 1e30f) - 1;
        for (int e = threadIdx.x; e < E; e += THREADS) {
            long long end = ints[SAMPLING_INTS + e];
            // the last one is repeated to fill the columns
            bool another = e == 0 || end != ints[SAMPLING_INTS + e - 1];
            end -= firstToken;
            if (another && end >= 0 && end < V) {
                float x = mine[end];
                mine[end] = early || x == LEAST ? LEAST : __fadd_rn(x, __fmul_rn(fabsf(x), growth));
            }
        }
        __syncthreads();
    }
    float best = LEAST;
    int next = V, broken = 0;
    each(mine, V, [] {}, [&](float x, int i) {
        broken |= !(x < __uint_as_float(0x7f800000u));
        if (x > best) {
            best = x;
            next = i;
        }
    });
    word first = least(keyOf(best, next < V ? firstToken + next : whole));
    // a logit that is no number or infinite
    broken = __syncthreads_or(broken);
#if PEERS
    first = broken ? BROKEN : first;
    unsigned turn = nextTurn(peers);
    if (threadIdx.x < size) {
        *(word *)(pieceOf(peers, threadIdx.x) + keyAt(rank, turn)) = first;
    }
    exchanged(peers, rank, size, turn);
    for (int from = 0; from < size; from++) {
        first = min(first, *(const volatile word *)(peers + keyAt(from, turn)));
    }
    broken = first == BROKEN;
#endif
    best = valueOf(first);
    next = (int)(unsigned)first;
    // or no token is left
    int wrong = broken ? NO_NUMBER : next < whole ? 0 : NO_TOKEN;
    next = wrong ? 0 : next;

    if (!wrong && sampled && ints[GREEDY] == 0) {
        Row row = {mine, V, best, 1.0f / floats[TEMPERATURE]};
        unsigned level = ALL;
        if (filtered && ints[TOP_K] > 0 && ints[TOP_K] < V) {
            level = narrowed<false>(row, level, ints[TOP_K], 0);
        }
        if (filtered && floats[TOP_P] < 1) {
            level = narrowed<true>(row, level, 0, floats[TOP_P]);
        }
        float limit = min(REACH, level == ALL ? REACH : level / LEVELS);
        // a min-p of 0 makes this infinity
        limit = fminf(limit, -logf(floats[MIN_P]));
        next = race(row, limit, ints[RANDOM_KEY], generated, next);
    }
    if (threadIdx.x < M) {
        chosen[threadIdx.x * (long long)slots + slot] = threadIdx.x + 1 < M ? later : wrong ? wrong : next;
    }
    if (threadIdx.x == 0) {
        token[slot] = next;
        // a slot without a row may run along; it stays within its own cache
        position[slot] = min(max(position[slot] + 1, 0ll), capacity - 1);
        step[slot] = generated + 1;
        if (tokenCounts) {
            tokenCounts[slot * whole + next] += 2;
        }
    }
}
