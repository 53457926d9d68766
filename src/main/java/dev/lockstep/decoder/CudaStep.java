package dev.lockstep.decoder;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.decoder.kv.Cascade;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.ScalarType;

/**
 * A decode step from the rows' last tokens to their logits, by kernels of our own instead of the TorchScript program, whose
 * cache and state it works on by their addresses. All of its buffers stay where they are, so that a step can be recorded; it
 * is meant to be, since handing over a step's launches one by one takes the processor some milliseconds.
 */
final class CudaStep implements ForwardStep {
    static final long WORKSPACE_BYTES = 32L << 20;
    /** From so many tokens on the loop over them outweighs what goes before and after it. */
    private static final int LONG = 512;
    /** A split of a row's tokens has at least so many. */
    private static final int SPLIT_TOKENS = 256;
    /** Tokens from which on a part of a row among many is worth a block of its own, and the most parts. */
    private static final int LONG_PART = 1024;
    private static final int LONG_PARTS = 8;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
    /** The most parts of a row where they may not depend on the rows beside it. */
    private static final int SAME_PARTS = 16;
    /** Bytes of a layer that need not be read again if rows that begin alike are taken together, so that it pays: less is in L2. */
    private static final long SHARED_BYTES = 128L << 20;
    /** Logits of all ranks up to so many bytes are summed among zeros rather than gathered. */
    private static final long FEW_LOGIT_BYTES = 4L << 20;

    /** Of variants: those of drafted steps. */
    private static final int DRAFTED = 1 << 24;

    private final DecoderProgram program;
    private final ModelConfig config;
    private final KvCache cache;
    private final Shard shard;
    private final Replica replica;
    private final int chunk;
    private final int attentionBlocks;
    private final int multiprocessors = CudaDriver.multiprocessors();
    private final CublasLt products;
    private final CudaLayers layers;
    // by allocation
    private long[] cosines = {};
    private long[] sines = {};
    private long[] layerCaches = {};
    private long[] tables = {};
    private long tableWidth;
    private long token;
    private long position;
    private long turnFrom;
    private PassBuffers buffers = PassBuffers.NONE;
    private @Nullable Cascade cascade;
    private long sharedBytes = SHARED_BYTES;
    private long beginnings;
    private long shared;
    private long partial;
    private long arrived;
    private long logits;
    private boolean drafted;
    private long ownLogits; // of this rank, or gathered of all, before they are all ranks' logits

    /**
     * For a program that has its weights.
     *
     * @param shard  what the program has of the model
     * @param tables the directory that tables of the fastest algorithms are kept in
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    CudaStep(DecoderProgram program, KvCache cache, Shard shard, DType dtype, CudaLayers layers, Replica replica,
            Path tables) {
        this.program = program;
        this.cache = cache;
        this.config = shard.part();
        this.shard = shard;
        this.replica = replica;
        this.chunk = CudaKernels.chunk(config, dtype);
        this.attentionBlocks = config.kvHeads() * ((config.heads() / config.kvHeads() + chunk - 1) / chunk);
        this.layers = layers;
        program.allocateWorkspace(WORKSPACE_BYTES);
        products = new CublasLt(program.stateAddress("workspace", ScalarType.UINT8), WORKSPACE_BYTES,
                layers.isSameText(), tables);
    }

    /** Takes over the cache, rows and logits that the program has just allocated, and makes room for a step. */
    @Override
    public void allocate(DecoderAllocation size) {
        int slots = size.slots();
        // what attention leaves of split rows: where there are few blocks, or long rows
        long parts = layers.isSameText()
                ? (long) slots * attentionBlocks * splits(slots, cache.capacity())
                : Math.max((long) BLOCKS_PER_MULTIPROCESSOR * multiprocessors,
                        cache.capacity() < LONG_PART ? 0 : (long) slots * attentionBlocks * LONG_PARTS);
        long mostSplit = parts * chunk * (config.headDim() + 4) * Float.BYTES;
        long bytes = layers.layout(slots).bytes();
        cascade = cascade(slots);
        long mostShared = cascade == null
                ? 0
                : (long) cascade.parts() * config.heads() * (config.headDim() + 4) * Float.BYTES;
        long counters = PassBuffers.align((long) slots * attentionBlocks * Integer.BYTES);
        long own = replica.size() == 1
                ? 0
                : PassBuffers.align(Math.max(replica.size() * ownBytes(slots),
                        (long) (slots + Decoder.MOST_SCORED) * config.vocabulary() * Float.BYTES));
        program.allocateStep(bytes + PassBuffers.align(mostSplit) + counters + own + mostShared);
        tableWidth = cache.width();
        tables = cache.tables();
        layerCaches = cache.addresses();
        long scratch = program.stateAddress("scratch", ScalarType.UINT8);
        buffers = layers.layout(slots).at(scratch);
        partial = scratch + bytes;
        arrived = partial + PassBuffers.align(mostSplit);
        ownLogits = arrived + counters;
        shared = ownLogits + own;
        if (cascade != null) {
            cache.cascade(cascade);
            beginnings = program.stateAddress("cascade", ScalarType.INT64);
        }
        cosines = rotary("cos");
        sines = rotary("sin");
        logits = program.stateAddress("logits", ScalarType.FLOAT32);
        if (replica.size() == 1) {
            ownLogits = logits;
        }
        token = program.stateAddress("token", ScalarType.INT64);
        position = program.stateAddress("position", ScalarType.INT64);
        turnFrom = program.stateAddress("turn_from", ScalarType.INT64);
    }

    /** Whether some rows of the next steps stand for later tokens of others, whose keys and values they see. */
    void drafted(boolean rows) {
        drafted = rows;
    }

    /** How rows that begin alike are taken together, if they are. */
    private @Nullable Cascade cascade(int slots) {
        // what rows attend to together is summed in another order
        if (layers.isSameText()
                || layers.kernels().attentions().stream().allMatch(attention -> attention.share() == null)) {
            return null;
        }
        return new Cascade(slots, cache.pageTokens(), new Cascade.Shape(CudaKernels.shareRows(config),
                2 * multiprocessors / config.kvHeads(), sharedBytes * config.layers() / cache.bytesPerToken()));
    }

    /** Rows that begin alike are taken together if that saves so many bytes of a layer, from the next allocation on; for tests. */
    void shareFrom(long bytes) {
        sharedBytes = bytes;
    }

    /** {@link Cascade#items} of the next step. */
    int sharedItems() {
        return cascade == null ? 0 : cascade.items();
    }

    /** Of each layer, 0 where nothing turns. */
    private long[] rotary(String table) {
        List<Rope> ropes = config.ropes();
        return config.attention().layers().stream().mapToLong(layer -> layer.rope() == null
                ? 0
                : program.rotaryAddress(table, ropes.indexOf(layer.rope()))).toArray();
    }

    /**
     * Into how many parts a step divides the longest row's tokens, and others' into fewer: more than 1 where there are fewer
     * rows than would keep the device busy, and where a long row would keep it waiting.
     *
     * <p>For the same text a row's tokens are divided by their number alone.
     *
     * @param longest tokens of the longest row
     * @return a power of 2
     */
    private int splits(int rows, int longest) {
        if (layers.isSameText()) {
            return Math.min(SAME_PARTS, Integer.highestOneBit(Math.max(1, 2 * (longest / SPLIT_TOKENS) - 1)));
        }
        int parts = isSplitForRoom(rows)
                ? Math.min(BLOCKS_PER_MULTIPROCESSOR * multiprocessors / (rows * attentionBlocks),
                        longest / SPLIT_TOKENS)
                : Math.min(LONG_PARTS, longest / LONG_PART);
        return Integer.highestOneBit(Math.max(1, parts));
    }

    /** Whether there are so few blocks that rows are cut to have more. */
    private boolean isSplitForRoom(int rows) {
        return BLOCKS_PER_MULTIPROCESSOR * multiprocessors >= 2 * rows * attentionBlocks;
    }

    private int splitTokens(int rows) {
        return layers.isSameText() || isSplitForRoom(rows) ? SPLIT_TOKENS : LONG_PART;
    }

    /** Steps of so many rows with the same number here do the same work, whatever the rows' lengths. */
    @Override
    public int variant(int rows, int longest) {
        int items = sharedItems();
        return (drafted ? DRAFTED : 0) + (items == 0 ? 0 : Integer.numberOfTrailingZeros(items) << 16)
                + 2 * splits(rows, longest)
                + (longest >= LONG ? 1 : 0);
    }

    @Override
    public boolean isRecordable() {
        return true;
    }

    /**
     * Computes the logits of rows 0 to {@code rows - 1} of this rank's tokens.
     *
     * @return their address, [rows, this rank's tokens]
     */
    long runPart(int rows, int longest) {
        Pointer stream = CudaDriver.stream();
        runLayers(stream, rows, longest, config.layers());
        layers.head(stream, products, buffers.normed(), ownLogits, rows);
        return ownLogits;
    }

    /** The first of this rank's tokens. */
    int firstToken() {
        return shard.firstToken();
    }

    /** How many tokens this rank has. */
    int tokens() {
        return config.vocabulary();
    }

    /** Computes the logits of rows 0 to {@code rows - 1}, which the program's {@code sample_step} reads. */
    @Override
    public void run(int rows, int longest) {
        Pointer stream = CudaDriver.stream();
        runLayers(stream, rows, longest, config.layers());
        boolean gathered = isGathered(rows);
        layers.head(stream, products, buffers.normed(),
                ownLogits + (gathered ? replica.rank() * ownBytes(rows) : 0), rows);
        if (replica.size() > 1) {
            share(stream, rows, gathered);
        }
    }

    /** {@link CudaLayers#profile}. */
    StepProfile profile(int rows, long seen) {
        return layers.profile(rows, 1, seen);
    }

    /** Where logits of some of all tokens have room, for as many rows as there are slots. */
    long ownLogits() {
        return ownLogits;
    }

    /** Many logits are gathered, which takes half of the time of their sums; few are summed faster. */
    private boolean isGathered(int rows) {
        return replica.size() > 1 && shard.evenTokens() > 0
                && (long) rows * shard.whole().vocabulary() * Float.BYTES > FEW_LOGIT_BYTES;
    }

    /** Bytes of what each rank has of the rows' logits, where they are gathered. */
    private long ownBytes(int rows) {
        return (long) rows * shard.evenTokens() * Float.BYTES;
    }

    /** From the logits that each rank has to those that all have. */
    private void share(Pointer stream, int rows, boolean gathered) {
        int all = shard.whole().vocabulary();
        if (gathered) {
            int blocks = (all + CudaKernels.SPREAD_THREADS - 1) / CudaKernels.SPREAD_THREADS;
            replica.gather(ownLogits, ownBytes(rows) / Float.BYTES, ScalarType.FLOAT32);
            Objects.requireNonNull(layers.kernels().join()).launch(stream, blocks, rows, 1, logits, ownLogits, all,
                    shard.evenTokens());
        } else {
            layers.spread(stream, logits, ownLogits, rows);
            replica.sum(logits, (long) rows * all, ScalarType.FLOAT32);
        }
    }

    /** Computes the residual stream of the rows after so many layers, for tests. */
    void runLayers(int rows, int longest, int count) {
        runLayers(CudaDriver.stream(), rows, longest, count);
    }

    private void runLayers(Pointer stream, int rows, int longest, int count) {
        int splits = splits(rows, longest);
        int splitTokens = splitTokens(rows);
        boolean large = !layers.isSameText() && (longest >= LONG || rows * attentionBlocks < 4 * multiprocessors);
        int items = sharedItems();
        long rowsAt = cascade == null ? 0 : beginnings + (long) cascade.rowsFrom() * Long.BYTES;
        long itemsAt = cascade == null ? 0 : beginnings + (long) cascade.itemsFrom() * Long.BYTES;
        float scale = (float) config.attention().scale();
        float eps = (float) config.norms().eps();
        layers.run(stream, products, null, buffers, false, token, position, rows, count, (on, i) -> {
            CudaWeights.Layer layer = layers.layer(i);
            CudaKernels.Attention attention = layers.kernels().attentions().get(i);
            if (drafted) {
                layers.kernels().keep().launch(on, rows, 1, 1, buffers.qkv(), layerCaches[i], cosines[i], sines[i],
                        turnFrom, layer.keyNorm(), position, tables[i], tableWidth, eps, buffers.rowScales(),
                        layer.qkv().scales(), layer.qkv().weight().bias(), cache.keyScale(i), cache.valueScale(i));
            }
            Kernel share = items == 0 ? null : attention.share();
            if (share != null) {
                share.launch(on, items, config.kvHeads(), 1, shared, buffers.qkv(), layerCaches[i], cosines[i],
                        sines[i],
                        turnFrom, layer.queryNorm(), position, tables[i], tableWidth, itemsAt, rowsAt,
                        scale * cache.keyScale(i), eps,
                        buffers.rowScales(), layer.qkv().scales(), layer.qkv().weight().bias());
            }
            (large ? attention.large() : attention.small()).launch(on, splits, attentionBlocks, rows,
                    buffers.attended(), buffers.qkv(), layerCaches[i], cosines[i], sines[i], turnFrom,
                    layer.queryNorm(), layer.keyNorm(), position, partial, arrived, tables[i], tableWidth, splitTokens,
                    scale * cache.keyScale(i), eps, buffers.rowScales(), layer.qkv().scales(),
                    layer.qkv().weight().bias(), share == null ? 0L : beginnings, shared, cache.keyScale(i),
                    cache.valueScale(i), layer.sinks());
            return buffers.attended();
        });
    }

    @Override
    public void close() {
        products.close();
    }
}
