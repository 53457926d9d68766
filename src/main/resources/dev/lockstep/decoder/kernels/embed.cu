// The embedding of each row's last token: out[n] = table[token[n]].
//
// token [N] int64, table [V, H], out [N, H]; H divides by PACK. One block a row. Bytes: 2 N H values.

extern "C" __global__ void embed(stored *out, const stored *table, const long long *token, int H) {
    const uint4 *from = (const uint4 *)(table + token[blockIdx.x] * H);
    uint4 *to = (uint4 *)(out + (long long)blockIdx.x * H);
    for (int i = threadIdx.x; i < H / PACK; i += blockDim.x) {
        to[i] = from[i];
    }
}
