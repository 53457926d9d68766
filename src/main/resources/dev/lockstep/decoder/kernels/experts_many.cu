// Products of many pairs with an expert; behind experts.cu and narrow.cu.

#define HIGH 128
#define DEEP 32
#define STAGES 3

__device__ __forceinline__ void fetch(unsigned to, const stored *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
}

__device__ __forceinline__ void readFour(unsigned (&to)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from));
}

// Where a block keeps 8 columns of a row: so that neither 8 rows' same columns nor a row's 4 parts share banks.
__device__ __forceinline__ int within(int row, int part) {
    return row * (DEEP * 2) + (part ^ row / 2 % 4) * 16;
}

#if BITS < 16
// 16 numbers of a row of weights.
struct Asked {
#if BITS == 8
    uint4 word;
#else
    uint2 word;
    unsigned factor;
#endif
};

__device__ __forceinline__ void keep(unsigned to, uint4 v) {
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w) : "memory");
}
#endif

// As few() has them, for 128 pairs and 128 rows of weights a block, 64 of which are gates where it is GATED; 8 warps.
template <bool GATED>
__device__ __forceinline__ void many(stored *out, const stored *x, const kept *weights, const scaled *scale,
        const stored *bias, const int *order, const Tile *tiles, const float *share) {
    constexpr int K = GATED ? H : I;
    constexpr int N = GATED ? 2 * I : H;
    constexpr int BYTES = HIGH * DEEP * 2;
    __shared__ __align__(128) unsigned char memory[STAGES][2][BYTES];
    Tile tile = tiles[blockIdx.y];
    if (tile.expert < 0) {
        return;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    unsigned base = (unsigned)__cvta_generic_to_shared(memory);
    // a thread fetches 8 columns of two rows of x, and as many of weights
    const stored *pair[2];
    unsigned to[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int r = threadIdx.x / 4 + 64 * i, part = threadIdx.x % 4;
        int at = min(tile.first + r, tile.end - 1);
        pair[i] = x + (long long)(GATED ? order[at] / CHOSEN : at) * K + 8 * part;
        to[i] = base + within(r, part);
    }
    auto rowOf = [&](int r) {
        int n = GATED ? r / 64 * I + min((int)blockIdx.x * 64 + r % 64, I - 1) : min((int)blockIdx.x * 128 + r, H - 1);
        return (long long)tile.expert * N + n;
    };
#if BITS == 16
    const kept *row[2] = {weights + rowOf(threadIdx.x / 4) * K + 8 * (threadIdx.x % 4),
            weights + rowOf(threadIdx.x / 4 + 64) * K + 8 * (threadIdx.x % 4)};
#else
    // or 16 columns of one row, which it widens itself, two stages after it has asked for them
    int r = threadIdx.x / 2, half = threadIdx.x % 2;
    const kept *row = weights + (rowOf(r) * K + 16 * half) * BITS / 8;
    unsigned first = base + BYTES + within(r, 2 * half), second = base + BYTES + within(r, 2 * half + 1);
    Asked asked[2];
    auto ask = [&](int at) {
        Asked one = {};
        if (at < K / DEEP) {
#if BITS == 8
            one.word = once(row + at * DEEP);
#else
            one.word = *(const uint2 *)(row + at * (DEEP / 2));
            one.factor = factorOf(scale[rowOf(r) * (K / 32) + at]);
#endif
        }
        return one;
    };
    auto widen = [&](const Asked &one, int at) {
        if (at < K / DEEP) {
            unsigned stage = at % STAGES * 2 * BYTES;
#if BITS == 8
            keep(first + stage, widened(one.word.x, one.word.y));
            keep(second + stage, widened(one.word.z, one.word.w));
#else
            keep(first + stage, widened(one.word.x, one.factor));
            keep(second + stage, widened(one.word.y, one.factor));
#endif
        }
    };
    widen(ask(0), 0);
    widen(ask(1), 1);
    asked[0] = ask(2);
    asked[1] = ask(3);
#endif
    auto fetchStage = [&](int at) {
        if (at < K / DEEP) {
            unsigned stage = at % STAGES * 2 * BYTES;
#pragma unroll
            for (int i = 0; i < 2; i++) {
                fetch(to[i] + stage, pair[i] + at * DEEP);
#if BITS == 16
                fetch(to[i] + stage + BYTES, row[i] + at * DEEP);
#endif
            }
        }
        asm volatile("cp.async.commit_group;");
    };
    fetchStage(0);
    fetchStage(1);
    // a warp has 64 pairs, and 32 rows of weights: 16 gates and their ups where it is GATED
    int pairs = warp / 4 * 64, columns = warp % 4;
    float sum[4][4][4] = {};
    for (int at = 0; at < K / DEEP; at++) {
        asm volatile("cp.async.wait_group 1;");
        __syncthreads();
        fetchStage(at + 2);
#if BITS < 16
        widen(asked[0], at + 2);
        asked[0] = asked[1];
        asked[1] = ask(at + 4);
#endif
        unsigned stage = base + at % STAGES * 2 * BYTES;
#pragma unroll
        for (int s = 0; s < DEEP / 16; s++) {
            unsigned a[4][4], b[2][4];
#pragma unroll
            for (int m = 0; m < 4; m++) {
                readFour(a[m], stage + within(pairs + m * 16 + lane % 16, 2 * s + lane / 16));
            }
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int first = GATED ? h * 64 + columns * 16 : columns * 32 + h * 16;
                readFour(b[h], stage + BYTES + within(first + lane % 8 + lane / 16 * 8, 2 * s + lane / 8 % 2));
            }
#pragma unroll
            for (int m = 0; m < 4; m++) {
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    multiplyAdd(sum[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
                }
            }
        }
    }
#pragma unroll
    for (int m = 0; m < 4; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int place = tile.first + pairs + m * 16 + g + 8 * half;
            if (place >= tile.end) {
                continue;
            }
            if (GATED) {
#pragma unroll
                for (int n = 0; n < 2; n++) {
                    int column = blockIdx.x * 64 + columns * 16 + n * 8 + 2 * c;
                    if (column >= I) {
                        continue;
                    }
                    float2 gate = make_float2(sum[m][n][2 * half], sum[m][n][2 * half + 1]);
                    float2 up = make_float2(sum[m][n + 2][2 * half], sum[m][n + 2][2 * half + 1]);
#if BITS == 8
                    const scaled *factor = scale + (long long)tile.expert * N + column;
                    gate = make_float2(gate.x * factor[0], gate.y * factor[1]);
                    up = make_float2(up.x * factor[I], up.y * factor[I + 1]);
#endif
                    if (share) {
                        float times = share[order[place]];
                        gate = make_float2(gate.x * times, gate.y * times);
                        up = make_float2(up.x * times, up.y * times);
                    }
                    if (bias) {
                        float2 more = loadPair(bias + (long long)tile.expert * N + column);
                        gate.x += more.x;
                        gate.y += more.y;
                        more = loadPair(bias + (long long)tile.expert * N + I + column);
                        up.x += more.x;
                        up.y += more.y;
                    }
                    storePair(out + (long long)place * I + column,
                            make_float2(activated(gate.x, up.x), activated(gate.y, up.y)));
                }
            } else {
                stored *line = out + (long long)order[place] * H;
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    int column = blockIdx.x * 128 + columns * 32 + n * 8 + 2 * c;
                    if (column < H) {
                        float2 both = make_float2(sum[m][n][2 * half], sum[m][n][2 * half + 1]);
#if BITS == 8
                        const scaled *factor = scale + (long long)tile.expert * N + column;
                        both = make_float2(both.x * factor[0], both.y * factor[1]);
#endif
                        storePair(line + column, both);
                    }
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) gateUpMany(stored *out, const stored *x, const kept *weights,
        const scaled *scale, const stored *bias, const int *order, const Tile *tiles, const float *share) {
    begin();
    many<true>(out, x, weights, scale, bias, order, tiles, share);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) downMany(stored *out, const stored *x, const kept *weights,
        const scaled *scale, const stored *bias, const int *order, const Tile *tiles, const float *share) {
    begin();
    many<false>(out, x, weights, scale, bias, order, tiles, share);
}
