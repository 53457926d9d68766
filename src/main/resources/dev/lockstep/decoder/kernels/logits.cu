// Logits that stay between -cap and cap: x = cap tanh(x / cap).
//
// logits [N, V] floats, in place. One thread a value, blocks (x: of a row's values, y: rows). Bytes: 8 N V.

extern "C" __global__ void __launch_bounds__(THREADS) softcap(float *logits, int V, float cap) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < V) {
        float *x = logits + (long long)blockIdx.y * V + i;
        *x = cap * tanhf(*x / cap);
    }
}
