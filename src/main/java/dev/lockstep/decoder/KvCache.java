package dev.lockstep.decoder;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.KvScales;
import dev.lockstep.decoder.kv.Cascade;
import dev.lockstep.decoder.kv.KvLedger;
import dev.lockstep.decoder.kv.KvPages;
import dev.lockstep.decoder.kv.KvSlots;
import dev.lockstep.decoder.kv.LayerGroups;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.torch.ScalarType;

/**
 * The keys and values of all sequences: on a GPU in {@link KvPages}, on CPU in {@link KvSlots}. Where they lie in the
 * device's memory is known to {@code cache.torchscript} and {@code kernels/kv_cache.cu} alone.
 */
final class KvCache {
    /** Tokens of a page on a GPU; what the kernels take at a time. */
    static final int PAGE_TOKENS = 16;

    private final DecoderProgram program;
    private final ScalarType type;
    private final ModelConfig config;
    private final @Nullable KvScales fp8;
    private LayerGroups groups;
    private final long bytesPerToken;
    // 0: slots
    private int pageTokens;
    private int width;
    private int slots;
    private KvLedger ledger = new KvSlots(0);
    private @Nullable Cascade cascade;

    /**
     * @param paged whether in pages
     * @param fp8   how in fp8; null unless they are
     */
    KvCache(DecoderProgram program, ModelConfig config, DType dtype, boolean paged,
            @Nullable KvScales fp8) {
        this.program = program;
        this.type = fp8 != null ? ScalarType.UINT8 : DecoderProgram.scalarType(dtype);
        this.config = config;
        this.fp8 = fp8;
        this.groups = LayerGroups.whole(config.layers());
        this.bytesPerToken = config.tokenBytes(dtype) / (fp8 != null ? dtype.bytes() : 1);
        if (paged) {
            pageTokens(PAGE_TOKENS);
        }
    }

    /** In pages; tests of the program, which takes any number of tokens, have them on CPU too. */
    final void pageTokens(int tokens) {
        pageTokens = tokens;
        groups = LayerGroups.of(config.attention().layers().stream().map(ModelConfig.Layer::window).toList());
    }

    /** Bytes of the device's memory that a token takes. */
    long bytesPerToken() {
        return bytesPerToken;
    }

    /** Whether keys and values are kept in fp8. */
    boolean isFp8() {
        return fp8 != null;
    }

    /** By what a layer's keys and values are divided before they are kept: 1 unless they are in fp8. */
    float keyScale(int layer) {
        return fp8 == null ? 1 : fp8.keys().get(layer);
    }

    float valueScale(int layer) {
        return fp8 == null ? 1 : fp8.values().get(layer);
    }

    /** Tokens of a page, 0 where slots are not made of pages. */
    int pageTokens() {
        return pageTokens;
    }

    /** Bytes of a page, or where slots are not made of pages of one that has so many tokens. */
    long pageBytes(int longest) {
        return pageTokens == 0
                ? bytesPerToken * longest
                : bytesPerToken / groups.group().length * groups.layers() * pageTokens;
    }

    /** Pages that so many tokens of a slot take, at most. */
    int pages(int tokens) {
        return pageTokens == 0 ? 1 : groups.pages(tokens, pageTokens);
    }

    /** Pages beside those of slots, for prompts that come in pieces. */
    int pagesAside() {
        return pageTokens == 0 ? 0 : groups.aside(pageTokens);
    }

    /** Pages that a second slot does not take for each page of tokens that it begins with as another does. */
    int pagesShared() {
        return groups.whole();
    }

    /**
     * Reserves the memory.
     *
     * @throws dev.lockstep.torch.OutOfDeviceMemoryException when the device has less
     */
    void allocate(DecoderAllocation size) {
        cascade = null;
        if (pageTokens == 0) {
            width = size.capacity();
            program.allocateCache(size.slots(), size.capacity(), 0, 0, groups);
            ledger = new KvSlots(size.slots());
        } else {
            width = places(size.capacity());
            int count = size.pages() == 0
                    ? size.slots() * width * groups.windows().length + pagesAside()
                    : size.pages();
            program.allocateCache(size.slots(), size.capacity(), count + 1, pageTokens, groups);
            slots = size.slots();
            ledger = new KvPages(size.slots(), count, pageTokens, groups.windows());
        }
    }

    private int places(int tokens) {
        return (tokens + pageTokens - 1) / pageTokens;
    }

    /** Slots may have so many tokens from now on, at least as many as before. */
    void widen(int capacity) {
        flush();
        program.widen(capacity);
        width = pageTokens == 0 ? capacity : places(capacity);
    }

    /** Gives the memory back. */
    void free() {
        program.freeCache();
        ledger = new KvSlots(0);
        cascade = null;
        width = 0;
    }

    /** Tokens that a slot may have; 0 before anything is allocated. */
    int capacity() {
        return pageTokens == 0 ? width : width * pageTokens;
    }

    /** Places of a slot in the table of pages. */
    int width() {
        return width;
    }

    /** What is whose. */
    KvLedger ledger() {
        return ledger;
    }

    /** Tells the device what is whose; to be called before it computes. */
    void flush() {
        if (ledger instanceof KvPages pages) {
            KvPages.Changes changes = pages.drain();
            if (!changes.emptied().isEmpty() || !changes.filled().isEmpty()) {
                program.turnPages(changes.emptied().stream().mapToLong(slot -> slot).toArray(),
                        changes.filled().stream()
                                .mapToLong(each -> (long) (each.group() * slots + each.slot()) * width + each.place())
                                .toArray(),
                        changes.filled().stream().mapToLong(KvPages.Change::page).toArray());
            }
            if (cascade != null && cascade.update(pages)) {
                program.setCascade(cascade.numbers());
            }
        } else if (ledger instanceof KvSlots slots) {
            List<KvSlots.Copy> copies = slots.drain();
            copies.forEach(copy -> program.copyCache(copy.source(), copy.target(), copy.tokens()));
        }
    }

    /** What slots begin with alike is told to the device in this way too, from now until the cache is allocated again. */
    void cascade(Cascade how) {
        program.allocateCascade(how.size());
        cascade = how;
    }

    /** By layer, the address of its keys and values in a GPU's memory, as {@code kernels/kv_cache.cu} reads them. */
    long[] addresses() {
        return IntStream.range(0, groups.group().length).mapToLong(layer -> program.cacheAddress(layer, type))
                .toArray();
    }

    /** By layer, the address of its table of pages there. */
    long[] tables() {
        long table = program.stateAddress("table", ScalarType.INT64);
        return Arrays.stream(groups.group()).mapToLong(group -> table + (long) group * slots * width * Long.BYTES)
                .toArray();
    }

    /** By layer, its group. */
    int[] groups() {
        return groups.group();
    }

    /** What slot {@code source} holds, so many tokens, is slot {@code target}'s from now on. */
    void move(int source, int target, int tokens) {
        flush();
        ledger.move(source, target);
        if (pageTokens == 0) {
            program.copyCache(source, target, tokens);
        } else {
            program.moveCache(source, target);
        }
    }
}
