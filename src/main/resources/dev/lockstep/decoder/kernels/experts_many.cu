// Products of many pairs with an expert; behind experts.cu and narrow.cu. With WARPGROUPS (sm_90a) by the products that four warps
// take together of what is in shared memory; else by those of a warp.
//
// K goes through shared memory in pieces of DEEP columns, of which there is room for STAGES; launches give it.

// Pairs of a block, rows of weights that it has, and columns of a piece.
#define HIGH 128
#if WARPGROUPS && BITS == 16
// half of what is read for a product is what all blocks of an expert read anew, which the second cache bounds
#define WIDE 256
#define DEEP (I % 64 ? 32 : 64)
#else
#define WIDE 128
#define DEEP 32
#endif
// pieces that are on their way while one is multiplied
#if WARPGROUPS
#define AHEAD (STAGES - 2)
#else
#define AHEAD (STAGES - 1)
#endif

__device__ __forceinline__ void fetch(unsigned to, const stored *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
}

#if !WARPGROUPS
__device__ __forceinline__ void readFour(unsigned (&to)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from));
}
#endif

// Where a block keeps 8 columns of a row: so that neither 8 rows' same columns nor a row's parts share banks. It is what PTX calls
// swizzling of 64 bytes, or of 128.
__device__ __forceinline__ int within(int row, int part) {
    return row * (DEEP * 2) + (part ^ (DEEP == 64 ? row % 8 : row / 2 % 4)) * 16;
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

#if WARPGROUPS
// Rows of a piece from this address on, as wgmma is told of them (PTX ISA, "Matrix Descriptor Format"): how far 8 rows are from the
// next 8, and how they are swizzled.
__device__ __forceinline__ unsigned long long described(unsigned address) {
    unsigned long long eight = 8 * DEEP * 2 >> 4, swizzled = DEEP == 64 ? 1 : 2;
    return (address & 0x3ffffu) >> 4 | 1ull << 16 | eight << 32 | swizzled << 62;
}

#define F4(i) "+f"(sum[i]), "+f"(sum[(i) + 1]), "+f"(sum[(i) + 2]), "+f"(sum[(i) + 3])
#define F16(i) F4(i), F4((i) + 4), F4((i) + 8), F4((i) + 12)
#define F64(i) F16(i), F16((i) + 16), F16((i) + 32), F16((i) + 48)

// sum [64 pairs, WIDE] += 16 columns of 64 pairs times those of WIDE rows of weights. Of four warps together, of which each has 16
// pairs: a lane has of 8 columns at a time 2 of pair lane / 4 and 2 of the pair 8 further on.
__device__ __forceinline__ void multiplyAddTogether(float (&sum)[WIDE / 2], unsigned long long pairs, unsigned long long rows) {
#if WIDE == 256
    asm volatile("wgmma.mma_async.sync.aligned.m64n256k16.f32." MMA "." MMA " "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, "
        "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, "
        "%41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, "
        "%61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, "
        "%81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, %98, %99, "
        "%100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, "
        "%116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, %128, %129, 1, 1, 1, 0, 0;"
        : F64(0), F64(64)
        : "l"(pairs), "l"(rows));
#else
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32." MMA "." MMA " "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, "
        "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, "
        "%41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, "
        "%61, %62, %63}, %64, %65, 1, 1, 1, 0, 0;"
        : F64(0)
        : "l"(pairs), "l"(rows));
#endif
}

__device__ __forceinline__ void beginTogether() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

// All but the last of what has been begun are done; or all.
__device__ __forceinline__ void awaitButLast() {
    asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
}

__device__ __forceinline__ void awaitAll() {
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}
#endif

// What a lane has of a pair: of a row of weights and the next one, or of such gates and their ups.
template <bool GATED>
__device__ __forceinline__ void finish(stored *out, const Tile &tile, int place, int column, float2 both, float2 up,
        const scaled *scale, const stored *bias, const int *order, const float *share) {
    constexpr int N = GATED ? 2 * I : H;
    if (column >= (GATED ? I : H)) {
        return;
    }
    long long row = (long long)tile.expert * N + column;
#if BITS == 8
    both = make_float2(both.x * scale[row], both.y * scale[row + 1]);
#endif
    if (!GATED) {
        storePair(out + (long long)order[place] * H + column, both);
        return;
    }
#if BITS == 8
    up = make_float2(up.x * scale[row + I], up.y * scale[row + I + 1]);
#endif
    if (share) {
        float times = share[order[place]];
        both = make_float2(both.x * times, both.y * times);
        up = make_float2(up.x * times, up.y * times);
    }
    if (bias) {
        float2 more = loadPair(bias + row);
        both = make_float2(both.x + more.x, both.y + more.y);
        more = loadPair(bias + row + I);
        up = make_float2(up.x + more.x, up.y + more.y);
    }
    storePair(out + (long long)place * I + column, make_float2(activated(both.x, up.x), activated(both.y, up.y)));
}

// As few() has them, for HIGH pairs and WIDE rows of weights a block, half of which are gates where it is GATED; 8 warps.
template <bool GATED>
__device__ __forceinline__ void many(stored *out, const stored *x, const kept *weights, const scaled *scale,
        const stored *bias, const int *order, const Tile *tiles, const float *share) {
    constexpr int K = GATED ? H : I;
    constexpr int N = GATED ? 2 * I : H;
    constexpr int BYTES = HIGH * DEEP * 2, PIECE = BYTES + WIDE * DEEP * 2;
    // of rows, that the block fetches at once
    constexpr int PARTS = DEEP / 8, ROWS = THREADS / PARTS;
    extern __shared__ __align__(1024) unsigned char memory[]; // of each piece its pairs' columns, and then its weights'
    Tile tile = tiles[blockIdx.y];
    if (tile.expert < 0) {
        return;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, c = lane % 4;
    unsigned base = (unsigned)__cvta_generic_to_shared(memory);
    // a thread fetches 8 columns of some rows of x, and as many of weights
    int mine = threadIdx.x / PARTS, part = threadIdx.x % PARTS;
    unsigned pair[HIGH / ROWS];
#pragma unroll
    for (int i = 0; i < HIGH / ROWS; i++) {
        int at = min(tile.first + mine + ROWS * i, tile.end - 1);
        pair[i] = (unsigned)(GATED ? order[at] / CHOSEN : at) * K + 8 * part;
    }
    auto rowOf = [&](int r) {
        return GATED ? r / (WIDE / 2) * I + min((int)blockIdx.x * (WIDE / 2) + r % (WIDE / 2), I - 1)
                     : min((int)blockIdx.x * WIDE + r, H - 1);
    };
    const kept *own = weights + (long long)tile.expert * N * K * BITS / 8 / (int)sizeof(kept);
#if BITS == 16
    unsigned row[WIDE / ROWS];
#pragma unroll
    for (int i = 0; i < WIDE / ROWS; i++) {
        row[i] = (unsigned)rowOf(mine + ROWS * i) * K + 8 * part;
    }
#else
    // or 16 columns of one row, which it widens itself, two stages after it has asked for them
    int r = threadIdx.x / 2, half = threadIdx.x % 2;
    const kept *row = own + ((long long)rowOf(r) * K + 16 * half) * BITS / 8;
    unsigned first = base + BYTES + within(r, 2 * half), second = base + BYTES + within(r, 2 * half + 1);
    Asked asked[2];
    auto ask = [&](int at) {
        Asked one = {};
        if (at < K / DEEP) {
#if BITS == 8
            one.word = once(row + at * DEEP);
#else
            one.word = *(const uint2 *)(row + at * (DEEP / 2));
            one.factor = factorOf(scale[((long long)tile.expert * N + rowOf(r)) * (K / 32) + at]);
#endif
        }
        return one;
    };
    auto widen = [&](const Asked &one, int at) {
        if (at < K / DEEP) {
            unsigned stage = at % STAGES * PIECE;
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
            unsigned to = base + at % STAGES * PIECE;
#pragma unroll
            for (int i = 0; i < HIGH / ROWS; i++) {
                fetch(to + within(mine + ROWS * i, part), x + pair[i] + at * DEEP);
            }
#if BITS == 16
#pragma unroll
            for (int i = 0; i < WIDE / ROWS; i++) {
                fetch(to + BYTES + within(mine + ROWS * i, part), own + row[i] + at * DEEP);
            }
#endif
        }
        asm volatile("cp.async.commit_group;");
    };
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        fetchStage(i);
    }
#if WARPGROUPS
    int pairs = warp / 4 * 64;
    float sum[WIDE / 2];
#pragma unroll
    for (int i = 0; i < WIDE / 2; i++) {
        sum[i] = 0;
    }
    for (int at = 0; at < K / DEEP; at++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(AHEAD - 1));
        // the piece that is overwritten next has been multiplied, and what this thread has written can be
        awaitButLast();
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        unsigned stage = base + at % STAGES * PIECE;
        beginTogether();
#pragma unroll
        for (int s = 0; s < DEEP / 16; s++) {
            multiplyAddTogether(sum, described(stage + pairs * DEEP * 2 + 32 * s), described(stage + BYTES + 32 * s));
        }
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        fetchStage(at + AHEAD);
#if BITS < 16
        widen(asked[0], at + 2);
        asked[0] = asked[1];
        asked[1] = ask(at + 4);
#endif
    }
    awaitAll();
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int place = tile.first + pairs + warp % 4 * 16 + g + 8 * half;
        if (place < tile.end) {
#pragma unroll
            for (int n = 0; n < WIDE / (GATED ? 16 : 8); n++) {
                int at = 4 * n + 2 * half, up = GATED ? at + WIDE / 4 : at;
                finish<GATED>(out, tile, place, blockIdx.x * WIDE / (GATED ? 2 : 1) + n * 8 + 2 * c,
                    make_float2(sum[at], sum[at + 1]), make_float2(sum[up], sum[up + 1]), scale, bias, order, share);
            }
        }
    }
#else
    // a warp has 64 pairs, and 32 rows of weights: 16 gates and their ups where it is GATED
    int pairs = warp / 4 * 64, columns = warp % 4;
    float sum[4][4][4] = {};
    for (int at = 0; at < K / DEEP; at++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(AHEAD - 1));
        __syncthreads();
        fetchStage(at + AHEAD);
#if BITS < 16
        widen(asked[0], at + 2);
        asked[0] = asked[1];
        asked[1] = ask(at + 4);
#endif
        unsigned stage = base + at % STAGES * PIECE;
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
            if (place < tile.end) {
#pragma unroll
                for (int n = 0; n < (GATED ? 2 : 4); n++) {
                    int up = GATED ? n + 2 : n;
                    finish<GATED>(out, tile, place,
                        blockIdx.x * (GATED ? 64 : 128) + columns * (GATED ? 16 : 32) + n * 8 + 2 * c,
                        make_float2(sum[m][n][2 * half], sum[m][n][2 * half + 1]),
                        make_float2(sum[m][up][2 * half], sum[m][up][2 * half + 1]), scale, bias, order, share);
                }
            }
        }
    }
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS, WIDE == 256 ? 1 : 2) gateUpMany(stored *out, const stored *x,
        const kept *weights, const scaled *scale, const stored *bias, const int *order, const Tile *tiles, const float *share) {
    begin();
    many<true>(out, x, weights, scale, bias, order, tiles, share);
}

extern "C" __global__ void __launch_bounds__(THREADS, WIDE == 256 ? 1 : 2) downMany(stored *out, const stored *x,
        const kept *weights, const scaled *scale, const stored *bias, const int *order, const Tile *tiles, const float *share) {
    begin();
    many<false>(out, x, weights, scale, bias, order, tiles, share);
}
