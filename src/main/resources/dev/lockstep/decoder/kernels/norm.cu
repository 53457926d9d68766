// RMSNorm of each row: out[n] = x[n] / sqrt(mean(x[n]^2) + eps) * weight; or (CENTERED) its layer norm, that of x[n] - mean(x[n]),
// with shift [H] added in the end, unless that is null.
//
// x, out [N, H], weight [H], contiguous; H, a constant, divides by PACK. Mostly the sums that a norm follows are made by the
// products before it, which add to the residual stream x as they store, so x is read here and not written. Where they cannot,
// they leave raw [N, H] instead, or null where there was none, so first it is added to x:
//   - with fp8 weights (FP8) raw[n] rowScales[n] columnScales + bias;
//   - in models that norm what they add (AFTER), the RMSNorm of that, times rawWeight [H];
//   - where several ranks compute the model together (SUMMED), the sum of what all have left, which has been scaled; or what
//     this one of two has left, and theirs [N, H] what the other has, which is null otherwise;
//   - where that sum is still to be taken (PEERS), it is, through the memory at peers that peer_rows.cu tells of, of what each
//     rank has left, scaled if columnScales is not null.
// The result is fp8 then, out8 [N, H] times 1 / rowScales[n], which are set anew; but where out8 is null it goes to out. A
// weight that is null is no norm: then out is not written to, and out8 gets x.
// One block a row, THREADS threads. Bytes: 2 N H + H values; with raw 2 N H more, with out8 N H / 2 less.

#define PIECES ((H / PACK + THREADS - 1) / THREADS)

__device__ __forceinline__ float squareSum(const Pack &pack) {
    float squares = 0;
#pragma unroll
    for (int k = 0; k < PACK; k++) {
        squares += pack.value[k] * pack.value[k];
    }
    return squares;
}

extern "C" __global__ void __launch_bounds__(THREADS) rmsNorm(stored *out, stored *x, const factor *weight, float eps,
        unsigned char *out8, const stored *raw, float *rowScales, const float *columnScales, const stored *bias,
        const factor *rawWeight, const stored *shift, const stored *theirs
#if PEERS
        ,
        char *peers, int rank, int size, long long room
#endif
) {
    begin();
    long long row = (long long)blockIdx.x * H;
    Pack held[PIECES], weights[PIECES];
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
        int i = (p * THREADS + threadIdx.x) * PACK;
        if (i < H) {
            held[p] = load(x + row + i);
            if (weight) {
                weights[p] = loadFactors(weight + i);
            }
        }
    }
#if FP8 || AFTER || SUMMED
    if (raw) {
        Pack more[PIECES];
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
#if FP8 && !SUMMED
                more[p] = scaled(raw + row, rowScales[blockIdx.x], columnScales, bias, i);
#elif FP8 && PEERS
                more[p] = columnScales ? scaled(raw + row, rowScales[blockIdx.x], columnScales, bias, i)
                                       : load(raw + row + i);
#else
                more[p] = load(raw + row + i);
#if SUMMED && !PEERS
                if (theirs) {
                    Pack other = load(theirs + row + i);
#pragma unroll
                    for (int k = 0; k < PACK; k++) {
                        more[p].value[k] += other.value[k];
                    }
                    more[p] = unpack(repack(more[p]));
                }
#endif
#endif
            }
        }
#if PEERS
        unsigned turn = nextTurn(peers);
        long long at = (long long)blockIdx.x * H * sizeof(stored);
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
                uint4 mine = repack(more[p]);
                more[p] = unpack(mine);
                for (int next = 1; next < size; next++) {
                    int other = (rank + next) % size;
                    *(uint4 *)(pieceOf(peers, other) + roomOf(rank, turn, size, room) + at + i * sizeof(stored)) = mine;
                }
            }
        }
        exchanged(peers, rank, size, turn);
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
                Pack sum = {};
                for (int from = 0; from < size; from++) {
                    Pack term = from == rank
                        ? more[p]
                        : unpack(written((const uint4 *)(peers + roomOf(from, turn, size, room) + at + i * sizeof(stored))));
#pragma unroll
                    for (int k = 0; k < PACK; k++) {
                        sum.value[k] += term.value[k];
                    }
                }
                more[p] = unpack(repack(sum));
            }
        }
#endif
#if AFTER
        float rawSquares = 0;
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            if ((p * THREADS + threadIdx.x) * PACK < H) {
                more[p] = unpack(repack(more[p]));
                rawSquares += squareSum(more[p]);
            }
        }
        float rawScale = rsqrtf(blockSum(rawSquares) / H + eps);
        __syncthreads();
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
                Pack factors = loadFactors(rawWeight + i);
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    more[p].value[k] *= rawScale * factors.value[k];
                }
                more[p] = unpack(repack(more[p]));
            }
        }
#endif
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    held[p].value[k] += more[p].value[k];
                }
                uint4 rounded = repack(held[p]);
                *(uint4 *)(x + row + i) = rounded;
                held[p] = unpack(rounded);
            }
        }
    }
#endif
    if (weight) {
#if CENTERED
        float mean = 0;
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            if ((p * THREADS + threadIdx.x) * PACK < H) {
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    mean += held[p].value[k];
                }
            }
        }
        mean = blockSum(mean) / H;
        __syncthreads();
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                held[p].value[k] -= mean;
            }
        }
#endif
        float squares = 0;
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            if ((p * THREADS + threadIdx.x) * PACK < H) {
                squares += squareSum(held[p]);
            }
        }
        float scale = rsqrtf(blockSum(squares) / H + eps);
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                held[p].value[k] *= scale * weights[p].value[k];
            }
#if CENTERED
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (shift && i < H) {
                Pack more = load(shift + i);
#pragma unroll
                for (int k = 0; k < PACK; k++) {
                    held[p].value[k] += more.value[k];
                }
            }
#endif
        }
    }
#if FP8
    if (out8) {
        quantizeRow<H>(out8, rowScales, held);
        return;
    }
#endif
    if (weight) {
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            int i = (p * THREADS + threadIdx.x) * PACK;
            if (i < H) {
                store(out + row + i, held[p]);
            }
        }
    }
}
