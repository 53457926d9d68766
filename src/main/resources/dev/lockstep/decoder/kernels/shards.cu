// What a rank has computed, made a term of the sum of all ranks'.

// Logits of some tokens among zeros: out[n] = 0 ... part[n] ... 0.
//
// part [N, C], out [N, V], of which C tokens from first on are this rank's; float. V / THREADS blocks a row, rows in y. Bytes:
// N C + N V floats.
extern "C" __global__ void spread(float *out, const float *part, int V, int first, int C) {
    begin();
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token < V) {
        int own = token - first;
        out[(long long)blockIdx.y * V + token] = own >= 0 && own < C ? part[(long long)blockIdx.y * C + own] : 0;
    }
}

// The same of all ranks, that come one after the other: gathered holds a rank's [N, each] before the next one's, but those of
// the last one, which has the rest of the V tokens, are [N, V - ...] and end early. Bytes: 2 N V floats.
extern "C" __global__ void join(float *out, const float *gathered, int V, int each) {
    begin();
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token < V) {
        int rank = token / each;
        int width = min(each, V - rank * each);
        out[(long long)blockIdx.y * V + token] =
            gathered[(long long)rank * gridDim.y * each + (long long)blockIdx.y * width + token - rank * each];
    }
}

#if FP8
// What a product of fp8 values has left, in place: raw[n] = raw[n] rowScales[n] columnScales + bias.
//
// raw [N, H], H divides by PACK, columnScales [H], bias [H] or null. One block a row. Bytes: 2 N H values.
extern "C" __global__ void scaleRows(stored *raw, const float *rowScales, const float *columnScales, const stored *bias) {
    begin();
    stored *row = raw + (long long)blockIdx.x * H;
    for (int i = threadIdx.x * PACK; i < H; i += blockDim.x * PACK) {
        store(row + i, scaled(row, rowScales[blockIdx.x], columnScales, bias, i));
    }
}
#endif
