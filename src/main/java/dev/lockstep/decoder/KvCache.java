package dev.lockstep.decoder;

import java.util.stream.IntStream;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;

/**
 * The keys and values of all sequences, by slot; each slot holds as many tokens as the others. Where they lie in the
 * device's memory is known to {@code cache.torchscript} and {@code kernels/kv_cache.cu} alone.
 */
final class KvCache {
    private final DecoderProgram program;
    private final DType dtype;
    private final int layers;
    private final long bytesPerToken;
    private int capacity;

    KvCache(DecoderProgram program, ModelConfig config, DType dtype) {
        this.program = program;
        this.dtype = dtype;
        this.layers = config.layers();
        this.bytesPerToken = config.tokenBytes(dtype);
    }

    /** Bytes of the device's memory that a slot of so many tokens takes. */
    long slotBytes(int capacity) {
        return bytesPerToken * capacity;
    }

    /**
     * Reserves the memory.
     *
     * @param capacity tokens of each slot
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device has less
     */
    void allocate(int slots, int capacity) {
        program.allocateCache(slots, capacity);
        this.capacity = capacity;
    }

    /** Gives the memory back. */
    void free() {
        program.freeCache();
        capacity = 0;
    }

    /** Tokens that each slot holds; 0 before anything is allocated. */
    int capacity() {
        return capacity;
    }

    /** By layer, the address of its keys and values in a GPU's memory, as {@code kernels/kv_cache.cu} reads them. */
    long[] addresses() {
        return IntStream.range(0, layers).mapToLong(layer -> program.cacheAddress(layer, dtype)).toArray();
    }

    /** What slot {@code source} holds comes into slot {@code target} as well. */
    void move(int source, int target) {
        program.moveCache(source, target);
    }
}
