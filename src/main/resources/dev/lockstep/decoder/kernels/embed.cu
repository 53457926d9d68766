// The embedding of each row's last token: out[n] = table[token[n]] * scale.
//
// token [N] int64, table [V, H], out [N, H]; H divides by PACK. One block a row. Bytes: 2 N H values.

extern "C" __global__ void embed(stored *out, const stored *table, const long long *token, int H, float scale) {
    const stored *from = table + token[blockIdx.x] * H;
    stored *to = out + (long long)blockIdx.x * H;
    for (int i = threadIdx.x * PACK; i < H; i += blockDim.x * PACK) {
        Pack pack = load(from + i);
#pragma unroll
        for (int k = 0; k < PACK; k++) {
            pack.value[k] *= scale;
        }
        store(to + i, pack);
    }
}
