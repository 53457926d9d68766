// A step's new keys and values into the cache before its attention, for steps in which rows see the new tokens of others: a
// draft's. What attention then brings there itself is the same. Arguments and shapes as in attend.cu. One block a row, a warp a kv
// head at a time. Bytes: keys and values of the rows, twice.

extern "C" __global__ void __launch_bounds__(THREADS) keep(const stored *qkv, kept *kv, const float *cosine, const float *sine,
        const long long *turnFrom, const factor *keyNorm, const long long *position, const long long *table, long long W, float eps,
        const float *rowScales, const float *columnScales, const stored *bias, float keyScale, float valueScale) {
    begin();
    Projection projected = {qkv, rowScales, columnScales, bias};
    int row = blockIdx.x, at = (int)position[row];
    Angles turns = angles(cosine, sine, at + (int)turnFrom[row]);
    for (int i = threadIdx.x / 32; i < KV_HEADS; i += THREADS / 32) {
        Head key = projected.head(row, HEADS + i);
        turn(key, weightsOf(keyNorm, i), turns, eps);
        kept *to = cacheOf(kv, table, W, row, i).keys(at);
        keepHead(to, key, keyScale);
        keepHead(to + VALUES, projected.head(row, HEADS + KV_HEADS + i), valueScale);
    }
}
