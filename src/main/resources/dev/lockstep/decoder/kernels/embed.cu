// The embedding of each row's last token: out[n] = table[token[n] - first] * scale, or zeros where that row is another rank's.
// In families that learn positions, places [P, H] is not null, and that of place position[n] + firstPlace is added; rows that
// have ended go on for some steps.
//
// token [N] int64, table [V, H], of all ranks' the rows from first on, out [N, H]; H divides by PACK. One block a row. Bytes:
// 2 N H values.

extern "C" __global__ void embed(stored *out, const stored *table, const long long *token, int H, float scale, int first,
        int V, const stored *places, const long long *position, int firstPlace, int P) {
    begin();
    long long own = token[blockIdx.x] - first;
    bool here = own >= 0 && own < V;
    const stored *from = table + (here ? own : 0) * H;
    stored *to = out + (long long)blockIdx.x * H;
    const stored *place = places ? places + min(position[blockIdx.x] + firstPlace, P - 1LL) * H : 0;
    for (int i = threadIdx.x * PACK; i < H; i += blockDim.x * PACK) {
        Pack pack = load(from + i);
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            pack.value[k] = here ? pack.value[k] * scale : 0;
        }
        if (place) {
            Pack rounded = unpack(repack(pack)), more = load(place + i);
#pragma unroll
            for (int k = 0; k < PACK; k++) {
                pack.value[k] = rounded.value[k] + more.value[k];
            }
        }
        store(to + i, pack);
    }
}
