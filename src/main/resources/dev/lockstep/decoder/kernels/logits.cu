// What is left to be done to logits: bias [V], unless it is null, is added, and where there is a cap they stay between -cap and
// cap: x = cap tanh(x / cap).
//
// logits [N, V] floats, in place. One thread a value, blocks (x: of a row's values, y: rows). Bytes: 8 N V.

extern "C" __global__ void __launch_bounds__(THREADS) finishLogits(float *logits, int V, float cap, const stored *bias) {
    begin();
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < V) {
        float *to = logits + (long long)blockIdx.y * V + i;
        float x = *to + (bias ? wide(bias[i]) : 0);
        *to = cap > 0 ? cap * tanhf(x / cap) : x;
    }
}
