package dev.lockstep.decoder;

import java.util.stream.IntStream;

import dev.lockstep.checkpoint.DType;
import dev.lockstep.checkpoint.ModelConfig;

/**
 * The keys and values of all sequences, in {@link KvPages}. Where they lie in the device's memory is known to
 * {@code cache.torchscript} and {@code kernels/kv_cache.cu} alone.
 */
final class KvCache {
    /** Tokens of a page; what the kernels take at a time. */
    static final int PAGE_TOKENS = 16;

    private final DecoderProgram program;
    private final DType dtype;
    private final int layers;
    private final long bytesPerToken;
    private int pageTokens = PAGE_TOKENS;
    private int width;
    private KvPages pages = new KvPages(0, 0, PAGE_TOKENS);

    KvCache(DecoderProgram program, ModelConfig config, DType dtype) {
        this.program = program;
        this.dtype = dtype;
        this.layers = config.layers();
        this.bytesPerToken = 2L * layers * config.kvHeads() * config.headDim() * dtype.bytes();
    }

    /** For tests of the program, which takes any number. */
    void pageTokens(int tokens) {
        pageTokens = tokens;
    }

    /** Tokens of a page. */
    int pageTokens() {
        return pageTokens;
    }

    /** Bytes of the device's memory that a page takes. */
    long pageBytes() {
        return bytesPerToken * pageTokens;
    }

    /**
     * Reserves the memory.
     *
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device has less
     */
    void allocate(DecoderAllocation size) {
        int count = size.pages() == 0 ? size.slots() * divide(size.capacity()) : size.pages();
        program.allocateCache(size.slots(), size.capacity(), count + 1, pageTokens);
        width = divide(size.capacity());
        pages = new KvPages(size.slots(), count, pageTokens);
    }

    private int divide(int tokens) {
        return (tokens + pageTokens - 1) / pageTokens;
    }

    /** Slots may have so many tokens from now on, at least as many as before. */
    void widen(int capacity) {
        flush();
        program.widen(capacity);
        width = divide(capacity);
    }

    /** Gives the memory back. */
    void free() {
        program.freeCache();
        pages = new KvPages(0, 0, pageTokens);
        width = 0;
    }

    /** Tokens that a slot may have; 0 before anything is allocated. */
    int capacity() {
        return width * pageTokens;
    }

    /** Places of a slot in the table of pages. */
    int width() {
        return width;
    }

    /** What is whose. */
    KvPages pages() {
        return pages;
    }

    /** Tells the device what has become of the table; to be called before it computes. */
    void flush() {
        KvPages.Changes changes = pages.drain();
        if (!changes.emptied().isEmpty() || !changes.filled().isEmpty()) {
            program.turnPages(changes.emptied().stream().mapToLong(slot -> slot).toArray(),
                    changes.filled().stream().mapToLong(each -> (long) each.slot() * width + each.place()).toArray(),
                    changes.filled().stream().mapToLong(KvPages.Change::page).toArray());
        }
    }

    /** By layer, the address of its keys and values in a GPU's memory, as {@code kernels/kv_cache.cu} reads them. */
    long[] addresses() {
        return IntStream.range(0, layers).mapToLong(layer -> program.cacheAddress(layer, dtype)).toArray();
    }

    /** What slot {@code source} holds is slot {@code target}'s from now on. */
    void move(int source, int target) {
        flush();
        pages.move(source, target);
        program.moveCache(source, target);
    }
}
