// SwiGLU (Shazeer 2020): out = silu(gate) * up.
//
// gateUp [N, 2 I], a row's gate and then its up; out [N, I]; I divides by PACK. One thread a pack, blocks (x: of a row's
// packs, y: rows). Bytes: 3 N I values.

extern "C" __global__ void swiglu(stored *out, const stored *gateUp, int I) {
    int i = (blockIdx.x * blockDim.x + threadIdx.x) * PACK;
    if (i >= I) {
        return;
    }
    const stored *row = gateUp + (long long)blockIdx.y * 2 * I;
    Pack gate = load(row + i);
    Pack up = load(row + I + i);
#pragma unroll
    for (int k = 0; k < PACK; k++) {
        gate.value[k] = gate.value[k] / (1 + __expf(-gate.value[k])) * up.value[k];
    }
    store(out + (long long)blockIdx.y * I + i, gate);
}
