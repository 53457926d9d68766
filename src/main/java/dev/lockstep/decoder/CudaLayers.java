package dev.lockstep.decoder;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.CublasLt.Shape;
import dev.lockstep.cuda.CublasLt.Weight;
import dev.lockstep.cuda.CudaDriver;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.cuda.Launches;
import dev.lockstep.cuda.SideStream;
import dev.lockstep.decoder.CudaWeights.Layer;
import dev.lockstep.decoder.CudaWeights.Linear;
import dev.lockstep.decoder.CudaWeights.Norm;
import dev.lockstep.decoder.shard.Exchange;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.ScalarType;

/**
 * A pass over the model's layers by kernels of our own ({@code kernels/*.cu}) and cuBLASLt, for any number of rows of the
 * residual stream, all but attention, which is the caller's. It works on the program's weights by their addresses.
 *
 * <p>Residual additions are part of the products that precede them, and a layer is: norm, product, attention with all that
 * goes before it, product, norm, product, SwiGLU, product. With fp8 weights, and in models that norm what they add,
 * additions, and what a product's result is to be scaled by, are part of what follows it; the result of attention takes one
 * launch more to become fp8, and norms over all heads take one. Where several ranks compute the model together, what those
 * products leave is added up among them before it goes on.
 */
final class CudaLayers {
    /** By which {@link Launches} know a norm that takes a sum first. */
    static final String PEER_NORM = "sum and rmsNorm";
    private static final int FP8_ROWS = 16;
    /** In 16 bits, products of fewer rows than this are summed in another order. */
    private static final int LEAST_ROWS_SAME = 64;
    /** Floats of a row's terms of norms over all heads: whole 16 bytes, which are summed in one order. */
    private static final int SQUARES = 4;
    private static final int WIDEST_HEAD = 256;
    private static final int ROTARY_UNIT = 4;
    /** Of fewer rows, halves cost more launches than their sums take. */
    private static final int LEAST_ROWS_IN_HALVES = 2048;
    /** The first half is a multiple of these, which products take in whole tiles. */
    private static final int PART_ROWS = 128;

    /** The attention of one layer, from its projection on. */
    interface Attention {
        /** @return the address of what it leaves, [rows, heads * head width] */
        long attend(Pointer stream, int layer);
    }

    /** By which two ranks exchange what one half of a pass leaves while the multiprocessors are at the other half. */
    record Beside(SideStream stream, Exchange exchange) implements AutoCloseable {
        /** Of ranks that can; else null. All of a replica call it. */
        static @Nullable Beside of(Replica replica, long rowBytes) {
            Exchange exchange = replica.exchange((Decoder.MOST_PASS_TOKENS / 2 + PART_ROWS) * rowBytes);
            return exchange == null ? null : new Beside(new SideStream(), exchange);
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    /**
     * What has been left in {@code normed}, to be added to the residual stream.
     *
     * @param scales   of a product's columns, and its {@code bias}; 0 for what needs none
     * @param postNorm the norm that it passes before, or 0
     */
    private record Left(long scales, long bias, long postNorm) {
        static Left of(Linear linear, long postNorm) {
            return new Left(linear.scales(), linear.weight().bias(), postNorm);
        }
    }

    private static final Left NOTHING_TO_SCALE = new Left(0, 0, 0);

    private final ModelConfig config;
    private final DType dtype;
    private final CublasLt.Type type;
    private final boolean fp8;
    private final boolean sameText;
    private final @Nullable Int4Products int4;
    private final @Nullable FewProducts few;
    private final Shard shard;
    private final Replica replica;
    private final @Nullable PeerRows peers;
    // products leave what is to be added to the residual stream to what follows them
    private final boolean leaves;
    private final int queries;
    private final int keys;
    private final CudaKernels kernels;
    private final @Nullable CudaExperts experts;
    private final CudaWeights weights;

    /**
     * Compiles the kernels, unless they are on disk, and finds the weights of a program that has all of them.
     *
     * @param shard    what the program has of the model
     * @param int4     null unless weights stay in 4 bits
     * @param sameText {@link DecodeSteps#isSameText}
     * @throws UnsatisfiedLinkError                     when a library or one of its functions is missing
     * @throws dev.lockstep.cuda.CudaException when a call of one fails
     */
    CudaLayers(DecoderProgram program, Shard shard, DType dtype, boolean fp8, @Nullable Int4Products int4,
            boolean fp8Kv, boolean sameText, Replica replica, KernelCompiler compiler) {
        this.config = shard.part();
        this.shard = shard;
        this.replica = replica;
        this.dtype = dtype;
        this.fp8 = fp8;
        this.sameText = sameText;
        this.int4 = int4;
        // cuBLASLt is as fast where it may divide sums
        this.few = sameText ? FewProducts.of(dtype, CudaDriver.multiprocessors(), compiler) : null;
        this.leaves = fp8 || config.norms().after() || replica.size() > 1;
        this.type = CublasLt.Type.valueOf(dtype.name());
        this.queries = config.heads() * config.headDim();
        this.keys = config.kvHeads() * config.headDim();
        this.peers = PeerRows.of(replica);
        this.kernels = CudaKernels.compile(config, dtype, fp8, fp8Kv, replica.size(), peers != null, compiler);
        experts = config.experts() == null
                ? null
                : new CudaExperts(program, config, dtype, program.experts(), sameText, compiler);
        weights = CudaWeights.of(program, shard, dtype, fp8, int4);
    }

    /** Whether the kernels can compute this model in this type. */
    static boolean fits(ModelConfig config, DType dtype) {
        int pack = CudaKernels.pack(dtype);
        return (config.experts() == null
                ? config.activation() != Activation.CLAMPED
                : CudaExperts.fits(config, dtype))
                && (config.norms().form() == NormForm.RMS || !config.norms().after())
                && (config.norms().residual() == Residual.IN_TURN || config.experts() == null)
                && config.hidden() % pack == 0 && config.intermediate() % pack == 0
                && config.headDim() % pack == 0
                && config.headDim() <= WIDEST_HEAD
                && config.ropes().stream().mapToInt(Rope::width).distinct().count() <= 1
                && config.ropes().stream().allMatch(rope -> rope.width() % ROTARY_UNIT == 0);
    }

    /** {@link DecodeSteps#isSameText}. */
    boolean isSameText() {
        return sameText;
    }

    CudaKernels kernels() {
        return kernels;
    }

    /**
     * @param parts that its rows go through norms and products in
     * @param seen  bytes of keys and values that a layer's attention reads
     */
    StepProfile profile(int rows, int parts, long seen) {
        return new StepProfile(config, dtype, fp8, leaves, rows, parts, seen);
    }

    Layer layer(int i) {
        return weights.layers().get(i);
    }

    /** What a pass of so many rows works in. */
    PassBuffers.Layout layout(int rows) {
        int intermediate = Math.max(config.intermediate(), experts == null ? 0 : experts.sharedWidth());
        long bytes = dtype.bytes();
        return new PassBuffers.Layout(wholeRows(rows), config.hidden() * bytes, (queries + 2L * keys) * bytes,
                queries * bytes,
                // products that add are tried there too
                Math.max(2L * intermediate, config.hidden()) * bytes,
                fp8 && experts == null ? 0 : intermediate * bytes,
                fp8 ? Math.max(config.hidden(), Math.max(queries, intermediate)) : 0,
                kernels.headSquares() == null ? 0 : SQUARES * Float.BYTES,
                experts == null ? 0 : experts.bytes(wholeRows(rows)));
    }

    /** So many rows that a product takes, in fp8 a multiple of 16; those past the end come to nothing. */
    int wholeRows(int rows) {
        return fp8
                ? (rows + FP8_ROWS - 1) / FP8_ROWS * FP8_ROWS
                : sameText ? Math.max(rows, LEAST_ROWS_SAME) : rows;
    }

    /** Whether a pass of so many rows goes by halves where these can be exchanged {@link Beside} each other. */
    static boolean isInHalves(int rows) {
        return rows >= LEAST_ROWS_IN_HALVES && rows <= Decoder.MOST_PASS_TOKENS;
    }

    /**
     * Hands a pass to the GPU: from tokens to the residual stream after so many layers, and the last norm of it.
     *
     * @param token    address of [rows] int64
     * @param position address of [rows] int64, where each token stands
     * @param prompts  it is a pass over prompts, not a step
     * @param products may be tried, which a recording must not see
     * @param beside   by which half the rows are exchanged during the other half's products; null where all are summed
     */
    void run(Pointer stream, CublasLt products, @Nullable Beside beside, PassBuffers in, boolean prompts,
            long token, long position, int rows, int count, Attention attention) {
        int hidden = config.hidden();
        kernels.embed().launch(stream, rows, 1, 1, in.x(), weights.embedding(), token, hidden,
                (float) config.embeddingScale(),
                shard.firstToken(), config.vocabulary(), weights.positions(), position, config.ends().firstPosition(),
                config.ends().positions());
        add(in.x(), rows);
        Pass whole = new Pass(stream, products, null, 0, in, prompts, rows);
        List<Pass> parts = List.of(whole);
        if (beside != null && isInHalves(rows)) {
            int first = rows / 2 / PART_ROWS * PART_ROWS;
            parts = List.of(new Pass(stream, products, beside, 0, in, prompts, first),
                    new Pass(stream, products, beside, Exchange.SLOTS / 2, in.from(first, layout(rows)), prompts,
                            rows - first));
        }
        for (int i = 0; i < count; i++) {
            int layer = i;
            parts.forEach(part -> part.project(layer));
            if (kernels.headNorms() != null) {
                whole.normHeads(kernels.headNorms(), weights.layers().get(i));
            }
            long attended = attention.attend(stream, i);
            int done = 0;
            for (Pass part : parts) {
                part.output(i, attended + (long) done * queries * dtype.bytes());
                done += part.rows;
            }
            parts.forEach(part -> part.feed(layer));
        }
        parts.forEach(part -> part.norm(weights.lastNorm(), true));
    }

    /**
     * The logits of normed hidden states, of those tokens that this rank has.
     *
     * @param from address of [rows, hidden]
     * @param to   address of [rows, vocabulary] floats
     */
    void head(Pointer stream, CublasLt products, long from, long to, int rows) {
        Weight weight = new Weight(weights.head(), 0);
        products.multiply(stream,
                new Shape(type, CublasLt.Type.FLOAT32, rows, config.vocabulary(), config.hidden(), false, false), from,
                weight, to, to, () -> List.of(weight));
        if (kernels.logits() != null) {
            int blocks = (config.vocabulary() + CudaKernels.LOGITS_THREADS - 1) / CudaKernels.LOGITS_THREADS;
            kernels.logits().launch(stream, blocks, rows, 1, to, config.vocabulary(), (float) config.finalSoftcap(),
                    weights.headBias());
        }
    }

    /** Makes of logits of this rank's tokens a term of all tokens'. */
    void spread(Pointer stream, long logits, long own, int rows) {
        int all = shard.whole().vocabulary();
        int blocks = (all + CudaKernels.SPREAD_THREADS - 1) / CudaKernels.SPREAD_THREADS;
        Objects.requireNonNull(kernels.spread()).launch(stream, blocks, rows, 1, logits, own, all, shard.firstToken(),
                config.vocabulary());
    }

    /** Adds up what the ranks have in a buffer as wide as the residual stream. */
    private void add(long address, int rows) {
        if (replica.size() > 1) {
            replica.sum(address, (long) rows * config.hidden(), DecoderProgram.scalarType(dtype));
        }
    }

    /** Whether what ranks leave is summed by the norm after it, and not before. */
    private boolean isSummedByNorm(boolean prompts, int rows) {
        // a pass over prompts has few sums for its values
        return peers != null && !prompts && peers.sums(rows, (long) config.hidden() * dtype.bytes());
    }

    /** Of one pass, all its rows or some of them. */
    private final class Pass {
        private final Pointer stream;
        private final CublasLt products;
        private final @Nullable Beside beside;
        private int slot;
        private final PassBuffers in;
        private final boolean prompts;
        private final int rows;
        private final boolean summedByNorm;
        private int mixtures;
        private @Nullable Left left;
        // what the other rank has left, which is under way
        private long theirs;
        private SideStream.@Nullable Handed coming;

        /** @param slot the first of two of an exchange */
        Pass(Pointer stream, CublasLt products, @Nullable Beside beside, int slot, PassBuffers in, boolean prompts,
                int rows) {
            this.stream = stream;
            this.products = products;
            this.beside = beside;
            this.slot = slot;
            this.in = in;
            this.prompts = prompts;
            this.rows = rows;
            this.summedByNorm = isSummedByNorm(prompts, rows);
        }

        /** From the residual stream, with what is left to be added to it, to queries, keys and values. */
        void project(int i) {
            multiply(queries + 2 * keys, config.hidden(), norm(weights.layers().get(i).attentionNorm(), !fp8),
                    Layer::qkv, i,
                    in.qkv(), false);
        }

        /** From attention's result, at an address, to what is to be added. */
        void output(int i, long attended) {
            Layer layer = weights.layers().get(i);
            if (config.norms().residual() != Residual.IN_TURN) {
                besideMlp(i, layer, attended);
                return;
            }
            multiply(config.hidden(), queries, quantized(attended), Layer::output, i, leaves ? in.normed() : in.x(),
                    !leaves);
            add(layer.output());
            left = leaves ? Left.of(layer.output(), layer.attentionPostNorm()) : null;
        }

        /** From there to what an MLP or a mixture adds. */
        void feed(int i) {
            Layer layer = weights.layers().get(i);
            if (config.norms().residual() != Residual.IN_TURN) {
                return; // has been
            }
            if (config.hasExperts(i)) {
                mixture(layer);
                return;
            }
            gate(i, layer, norm(layer.mlpNorm(), !fp8));
            down(i, leaves ? in.normed() : in.x(), !leaves);
            add(Objects.requireNonNull(layer.down()));
            left = leaves ? Left.of(layer.down(), layer.mlpPostNorm()) : null;
        }

        /** Of layers that add attention and MLP to the same. */
        private void besideMlp(int i, Layer layer, long attended) {
            boolean one = config.norms().residual() == Residual.PARALLEL_WITH_ONE_NORM;
            // what was quantized for queries, keys and values has made room for attention's result
            gate(i, layer,
                    one && !fp8 ? in.normed() : norm(one ? layer.attentionNorm() : layer.mlpNorm(), !fp8));
            if (fp8) { // of which each has scales of its own
                Linear down = Objects.requireNonNull(layer.down());
                down(i, in.normed(), false);
                add(down);
                left = Left.of(down, 0);
                norm(Norm.NONE, true);
                multiply(config.hidden(), queries, quantized(attended), Layer::output, i, in.normed(), false);
                add(layer.output());
                left = Left.of(layer.output(), 0);
                return;
            }
            long to = leaves ? in.normed() : in.x();
            multiply(config.hidden(), queries, attended, Layer::output, i, to, !leaves);
            down(i, to, true);
            if (leaves && !summedByNorm) {
                sum();
            }
            left = leaves ? NOTHING_TO_SCALE : null;
        }

        /** @return where attention's result is as a product takes it */
        private long quantized(long attended) {
            if (kernels.quantize() == null) {
                return attended;
            }
            kernels.quantize().launch(stream, rows, 1, 1, in.quantized(), in.rowScales(), attended);
            return in.quantized();
        }

        /**
         * Adds what is left to the residual stream, and norms that into {@code normed} or else, for a product in fp8, into
         * {@code quantized}.
         *
         * @return where the result is; the residual stream itself where there is no norm
         */
        long norm(Norm norm, boolean wide) {
            if (coming != null) {
                coming.await(stream);
                coming = null;
            }
            long weight = norm.weight();
            if (summedByNorm && left != null) {
                PeerRows all = Objects.requireNonNull(peers);
                Objects.requireNonNull(kernels.peerNorm()).launchAs(PEER_NORM, 0, 0, stream, rows, 1, 1,
                        in.normed(), in.x(), weight, (float) config.norms().eps(), wide ? 0L : in.quantized(),
                        in.normed(), in.rowScales(), left.scales(), left.bias(), left.postNorm(), norm.shift(), 0L,
                        all.address(), all.rank(), all.size(), all.room());
            } else if (weight != 0 || !wide || left != null) {
                kernels.norm().launch(stream, rows, 1, 1, in.normed(), in.x(), weight, (float) config.norms().eps(),
                        wide ? 0 : in.quantized(), left == null ? 0 : in.normed(), in.rowScales(),
                        left == null ? 0 : left.scales(), left == null ? 0 : left.bias(),
                        left == null ? 0 : left.postNorm(), norm.shift(), theirs);
            }
            left = null;
            theirs = 0;
            return weight == 0 ? in.x() : in.normed();
        }

        /** Norms queries and keys over all heads, those of other ranks too. */
        void normHeads(Kernel headNorms, Layer layer) {
            float eps = (float) config.norms().eps();
            int parts = fp8 ? 3 : 2;
            long bias = layer.qkv().weight().bias();
            if (kernels.headSquares() == null) {
                headNorms.launch(stream, rows, parts, 1, in.qkv(), layer.queryNorm(), layer.keyNorm(), eps,
                        in.rowScales(),
                        layer.qkv().scales(), bias);
                return;
            }
            kernels.headSquares().launch(stream, rows, parts, 1, in.qkv(), in.squares(), in.rowScales(),
                    layer.qkv().scales(), bias);
            replica.sum(in.squares(), (long) rows * SQUARES, ScalarType.FLOAT32);
            headNorms.launch(stream, rows, 2, 1, in.qkv(), layer.queryNorm(), layer.keyNorm(), eps, in.squares());
        }

        /** An MLP's first product and what it passes. */
        private void gate(int i, Layer layer, long from) {
            int intermediate = config.intermediate();
            multiply(config.activation().isAlone() ? intermediate : 2 * intermediate, config.hidden(), from,
                    Layer::gateUp, i, in.gateUp(), false);
            if (fp8) {
                Linear gateUp = Objects.requireNonNull(layer.gateUp());
                kernels.swiglu().launch(stream, rows, 1, 1, in.quantized(), in.gateUp(), in.rowScales(),
                        gateUp.scales(), gateUp.weight().bias(), layer.alphaP(), layer.alphaN());
            } else {
                int blocks = (intermediate / CudaKernels.pack(dtype) + CudaKernels.SWIGLU_THREADS - 1)
                        / CudaKernels.SWIGLU_THREADS;
                kernels.swiglu().launch(stream, blocks, rows, 1, in.activated(), in.gateUp(), layer.alphaP(),
                        layer.alphaN());
            }
        }

        private void down(int i, long to, boolean adds) {
            multiply(config.hidden(), config.intermediate(), in.activated(), Layer::down, i, to, adds);
        }

        /** To a mixture's, whose weights are in the type of computation; of several ranks what is to be added. */
        private void mixture(Layer layer) {
            boolean several = replica.size() > 1;
            Objects.requireNonNull(experts).run(stream, products, in, prompts, mixtures++, rows, wholeRows(rows),
                    norm(layer.mlpNorm(), true), several ? in.normed() : in.x(), !several);
            if (!summedByNorm) {
                sum();
            }
            left = several ? NOTHING_TO_SCALE : null;
        }

        /** Adds up what the ranks' products have left in {@code normed}, unless the norm after it does. */
        private void add(Linear linear) {
            if (summedByNorm) {
                return; // which scales them, too
            }
            if (kernels.scaleRows() != null) {
                kernels.scaleRows().launch(stream, rows, 1, 1, in.normed(), in.rowScales(), linear.scales(),
                        linear.weight().bias());
            }
            sum();
        }

        private void sum() {
            if (beside == null) {
                CudaLayers.this.add(in.normed(), rows);
                return;
            }
            long bytes = (long) rows * config.hidden() * dtype.bytes();
            coming = beside.stream.after(stream,
                    side -> theirs = beside.exchange.exchange(Pointer.nativeValue(side), slot, in.normed(), bytes));
            slot ^= 1; // in which the other rank has done with what it got before it gives what it makes of this
        }

        /**
         * One product of a layer; with fp8 weights of what is quantized.
         *
         * @param adds whether it adds to what is there, which it does not in fp8
         */
        private void multiply(int n, int k, long from, Function<Layer, @Nullable Linear> linear, int layer, long to,
                boolean adds) {
            Linear one = Objects.requireNonNull(linear.apply(weights.layers().get(layer)));
            Supplier<List<Weight>> alike = () -> weights.layers().stream().map(linear).filter(Objects::nonNull)
                    .map(Linear::weight).toList();
            if (fp8) {
                products.multiply(stream, new Shape(CublasLt.Type.FP8, type, wholeRows(rows), n, k, false, false),
                        in.quantized(), one.weight(), to, to, alike);
                return;
            }
            if (int4 != null && one.int4() != null) {
                if (rows <= Int4Products.MOST_ROWS) {
                    int4.multiply(stream, one.int4(), rows, from, one.weight().bias(), adds, to);
                    return;
                }
                int4.widen(stream, one.int4());
            }
            if (few != null && FewProducts.fits(rows, n, k)) {
                few.multiply(stream, one.weight(), rows, n, k, from, to, adds);
                return;
            }
            // where algorithms are tried what is added to must not be written to, and gateUp is free then
            products.multiply(stream, new Shape(type, type, wholeRows(rows), n, k, adds, one.weight().bias() != 0),
                    from, one.weight(), to, adds ? in.gateUp() : to, alike);
        }
    }
}
