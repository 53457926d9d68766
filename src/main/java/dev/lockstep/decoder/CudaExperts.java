package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

import dev.lockstep.cuda.CublasLt;
import dev.lockstep.cuda.CublasLt.Shape;
import dev.lockstep.cuda.CublasLt.Weight;
import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.torch.ScalarType;

/**
 * Mixtures of experts by kernels of our own ({@code kernels/experts.cu}): which experts a token goes through, the products
 * with those, of which only weights of experts that are hit are read, and their sum. What all tokens go through besides is two
 * products by cuBLASLt. No number of tokens comes to the host, so that a step can be recorded.
 */
final class CudaExperts {
    /** A lane keeps the choice of one expert. */
    private static final int MOST_CHOSEN = 32;
    private static final int MOST_EXPERTS = 1024;
    private static final int UNIT = 64;
    private static final int HALF_UNIT = 32;
    private static final int WARP = 32;
    private static final int ROUTE_THREADS = 1024;
    private static final int MANY_THREADS = 256;
    private static final int MOST_FEW_WARPS = 4;
    private static final int SCORE_THREADS = 128;
    /** As experts.cu has it. */
    private static final int SCORED = 8;
    /** Rows whose scores the kernel has sooner than a product. */
    private static final int MOST_SCORED = 256;
    /** Rows that one block brings to their experts sooner than many blocks and another launch. */
    private static final int ROWS_OF_ONE_BLOCK = 128;
    /** Rows of weights of a block of few pairs, and of one of many. */
    private static final int FEW_ROWS = 32;
    private static final int MANY_ROWS = 128;
    private static final int WIDE_ROWS = 256;
    private static final int TILE = 8;
    private static final int TILE_BYTES = 3 * Integer.BYTES;

    /**
     * The products of a tile's pairs with its expert.
     *
     * @param pairs   of a tile, at most
     * @param rows    of weights that a block has
     * @param average so many pairs of an expert, in the middle, are best taken by it
     */
    private record Products(Kernel gateUp, Kernel down, int pairs, int rows, double average) {}

    /**
     * Weights of a layer; a bias that the family lacks is 0, and a scale of weights in 16 bits.
     *
     * @param sharedGateUp of what all tokens go through; null for none
     * @param sharedGate   address of what weighs that, or 0
     */
    record Layer(long router, long routerBias, long gateUp, long gateUpScale, long gateUpBias, long down,
            long downScale, long downBias,
            @Nullable Weight sharedGateUp, @Nullable Weight sharedDown, long sharedGate) {}

    private final Experts experts;
    private final boolean sameText;
    private final int hidden;
    private final CublasLt.Type type;
    private final int valueBytes;
    private final Kernel score;
    private final Kernel route;
    private final Kernel group;
    private final Kernel routeAndGroup;
    private final Kernel combine;
    private final List<Products> few = new ArrayList<>();
    private final Products many;
    private final @Nullable Kernel swiglu;
    private final List<Layer> layers = new ArrayList<>();

    /** Compiles the kernels, unless they are on disk, and finds the weights of a program that has all of them. */
    CudaExperts(DecoderProgram program, ModelConfig config, DType dtype, ExpertWeights weights, boolean sameText,
            KernelCompiler compiler) {
        this.sameText = sameText;
        this.experts = Objects.requireNonNull(config.experts());
        this.hidden = config.hidden();
        this.type = CublasLt.Type.valueOf(dtype.name());
        this.valueBytes = dtype.bytes();
        List<String> shapes = List.of("STORAGE=" + DecoderProgram.scalarType(dtype).code(), "WIDE_NORMS=0",
                "EXPERTS=" + experts.count(), "CHOSEN=" + experts.routing().perToken(), "H=" + hidden,
                "I=" + experts.intermediate(), "SIGMOID=" + (experts.routing().sigmoid() ? 1 : 0),
                "OF_ONE=" + (experts.routing().normalized() ? 1 : 0),
                "SCALES_INPUT=" + (experts.scalesInput() ? 1 : 0),
                "CLAMPED=" + (config.activation() == Activation.CLAMPED ? 1 : 0));
        List<String> numbers = new ArrayList<>(shapes);
        numbers.add("BITS=" + weights.bits());
        score = kernel(compiler, shapes, "", "score", SCORE_THREADS);
        route = kernel(compiler, shapes, "", "route", ROUTE_THREADS);
        group = kernel(compiler, shapes, "", "groupPairs", ROUTE_THREADS);
        routeAndGroup = kernel(compiler, shapes, "", "routeAndGroup", ROUTE_THREADS);
        combine = kernel(compiler, shapes, "", "combine", CudaKernels.threads(hidden / CudaKernels.PACK_16));
        // of all alike, so that sums over K are in one order
        int up = fewThreads(hidden);
        int down = fewThreads(experts.intermediate());
        for (int tiles : new int[]{1, 2, 4}) {
            few.add(new Products(kernel(compiler, numbers, "experts_few", "gateUp" + tiles, up),
                    kernel(compiler, numbers, "experts_few", "down" + tiles, down), tiles * TILE, FEW_ROWS,
                    // about so many are hardly ever more than a tile
                    tiles * TILE * 0.6));
        }
        many = many(compiler, numbers, weights.bits());
        swiglu = experts.shared() == 0
                ? null
                : CudaKernels.swiglu(experts.shared(), dtype, config.activation(), compiler);
        ScalarType kept = DecoderProgram.scalarType(dtype);
        ScalarType scale = weights.scaleType();
        for (int i = 0; i < config.layers() - experts.plainLayers().size(); i++) {
            boolean biased = experts.biased();
            layers.add(new Layer(program.weightAddress("router", i, kept),
                    biased || experts.routing().sigmoid() && !experts.scalesInput()
                            ? program.weightAddress("router_bias", i, ScalarType.FLOAT32)
                            : 0,
                    program.weightAddress("expert_gate_up", i, weights.type(dtype)),
                    scale == null ? 0 : program.weightAddress("expert_gate_up_scale", i, scale),
                    biased ? program.weightAddress("expert_gate_up_bias", i, kept) : 0,
                    program.weightAddress("expert_down", i, weights.type(dtype)),
                    scale == null ? 0 : program.weightAddress("expert_down_scale", i, scale),
                    biased ? program.weightAddress("expert_down_bias", i, kept) : 0,
                    swiglu == null ? null : new Weight(program.weightAddress("shared_gate_up", i, kept), 0),
                    swiglu == null ? null : new Weight(program.weightAddress("shared_down", i, kept), 0),
                    experts.sharedGate() ? program.weightAddress("shared_gate", i, kept) : 0));
        }
    }

    private Products many(KernelCompiler compiler, List<String> shapes, int bits) {
        boolean together = compiler.hasWarpgroups();
        boolean wide = together && bits == Short.SIZE;
        int rows = wide ? WIDE_ROWS : MANY_ROWS;
        int columns = wide && experts.intermediate() % UNIT == 0 ? UNIT : HALF_UNIT;
        // as many pieces as there is room for, of blocks that a multiprocessor has one of, or two
        int pieces = wide ? 4 : together ? 5 : 3;
        List<String> definitions = new ArrayList<>(shapes);
        definitions.add("WARPGROUPS=" + (together ? 1 : 0));
        definitions.add("STAGES=" + pieces);
        int bytes = pieces * (MANY_ROWS + rows) * columns * valueBytes;
        return new Products(kernel(compiler, definitions, "experts_many", "gateUpMany", MANY_THREADS, bytes),
                kernel(compiler, definitions, "experts_many", "downMany", MANY_THREADS, bytes), MANY_ROWS, rows,
                Double.MAX_VALUE);
    }

    private static Kernel kernel(KernelCompiler compiler, List<String> shapes, String products, String name,
            int threads) {
        return kernel(compiler, shapes, products, name, threads, 0);
    }

    /** @param products the source of those that it is one of; none for the others */
    private static Kernel kernel(KernelCompiler compiler, List<String> shapes, String products, String name,
            int threads, int sharedBytes) {
        List<String> definitions = new ArrayList<>(shapes);
        definitions.add("ROUTE=" + (products.isEmpty() ? 1 : 0));
        definitions.add("THREADS=" + threads);
        return compiler.overlapping(CudaKernels.source("storage") + CudaKernels.source("products")
                + CudaKernels.source("experts")
                + (products.isEmpty() ? "" : CudaKernels.source("narrow") + CudaKernels.source(products)), definitions,
                name, threads, sharedBytes);
    }

    /** So many that each warp has about three pieces of a row of weights. */
    private static int fewThreads(int k) {
        return WARP * Math.min(MOST_FEW_WARPS, Integer.highestOneBit(Math.max(1, k / UNIT / 3)));
    }

    /** Whether they can compute a model's mixtures in this type. */
    static boolean fits(ModelConfig config, DType dtype) {
        Experts experts = Objects.requireNonNull(config.experts());
        return dtype != DType.FLOAT32 && config.hidden() % UNIT == 0 && experts.intermediate() % HALF_UNIT == 0
                && experts.shared() % CudaKernels.PACK_16 == 0
                && experts.routing().groups() == 1 && experts.routing().perToken() <= MOST_CHOSEN
                && experts.count() <= MOST_EXPERTS
                && (config.activation() == Activation.SILU || config.activation() == Activation.CLAMPED)
                && !config.norms().after();
    }

    /** Bytes of the device's memory that a pass of so many rows works in besides the others' buffers. */
    long bytes(int rows) {
        return LongStream.of(sizes(rows)).sum();
    }

    /** Logits, experts, shares, order, tiles, what is activated, what experts give. */
    private long[] sizes(int rows) {
        long pairs = pairs(rows);
        return LongStream.of((long) rows * experts.count() * Float.BYTES, pairs * Integer.BYTES, pairs * Float.BYTES,
                pairs * Integer.BYTES, mostTiles(rows, TILE) * (long) TILE_BYTES,
                pairs * experts.intermediate() * valueBytes, pairs * hidden * valueBytes).map(PassBuffers::align)
                .toArray();
    }

    private long pairs(int rows) {
        return (long) rows * experts.routing().perToken();
    }

    private int mostTiles(int rows, int high) {
        return (int) Math.min(pairs(rows), experts.count() + pairs(rows) / high);
    }

    /** Of what all tokens go through, whose products need as much room as an MLP's; 0 for none. */
    int sharedWidth() {
        return experts.shared();
    }

    /**
     * Hands one mixture to the GPU.
     *
     * @param prompts it is of a pass over prompts, not of a step
     * @param place   of the layer among mixtures
     * @param normed  address of [wholeRows, hidden]
     * @param result  address of [rows, hidden]: the residual stream, which is added to, or what {@code normed} is
     * @param add     whether it is added to
     * @param in      of which {@code gateUp} and {@code activated} are free, and {@code experts} is this one's
     */
    void run(Pointer stream, CublasLt lt, PassBuffers in, boolean prompts, int place, int rows, int wholeRows,
            long normed,
            long result, boolean add) {
        Layer layer = layers.get(place);
        long[] at = sizes(wholeRows);
        long first = in.experts();
        for (int i = 0; i < at.length; i++) {
            long size = at[i];
            at[i] = first;
            first += size;
        }
        long logits = at[0];
        long expert = at[1];
        long share = at[2];
        long order = at[3];
        long tiles = at[4];
        long active = at[5];
        long out = at[6];
        score(stream, lt, prompts, layer, rows, wholeRows, normed, logits);
        int pairs = (int) pairs(rows);
        double average = (double) pairs / experts.count();
        Products chosen = products(average, prompts);
        int most = mostTiles(rows, chosen.pairs());
        float factor = (float) experts.routing().factor();
        if (rows <= ROWS_OF_ONE_BLOCK) {
            routeAndGroup.launch(stream, 1, 1, 1, order, tiles, expert, share, logits, layer.routerBias(), factor, rows,
                    chosen.pairs(), most);
        } else {
            int routing = ROUTE_THREADS / WARP;
            route.launch(stream, (rows + routing - 1) / routing, 1, 1, expert, share, logits, layer.routerBias(),
                    factor,
                    rows);
            group.launch(stream, 1, 1, 1, order, tiles, expert, pairs, chosen.pairs(), most);
        }
        boolean before = experts.scalesInput();
        chosen.gateUp().launch(stream, blocks(2 * experts.intermediate(), chosen), most, 1, active, normed,
                layer.gateUp(), layer.gateUpScale(), layer.gateUpBias(), order, tiles, before ? share : 0L);
        chosen.down().launch(stream, blocks(hidden, chosen), most, 1, out, active, layer.down(), layer.downScale(), 0L,
                order, tiles, 0L);
        if (swiglu != null) {
            share(stream, lt, in, layer, rows, wholeRows, normed);
        }
        combine.launch(stream, rows, 1, 1, result, out, expert, before ? 0L : share, layer.downBias(),
                swiglu == null ? 0L : in.gateUp(), layer.sharedGate(), normed, add ? 1 : 0);
    }

    /** Each row's scores, in float32; of few rows a product would keep few multiprocessors busy, of many the kernel takes long. */
    private void score(Pointer stream, CublasLt lt, boolean prompts, Layer layer, int rows, int wholeRows, long normed,
            long logits) {
        if (sameText ? prompts : rows > MOST_SCORED) {
            lt.multiply(stream,
                    new Shape(type, CublasLt.Type.FLOAT32, wholeRows, experts.count(), hidden, false, false),
                    normed, new Weight(layer.router(), 0), logits, logits,
                    () -> layers.stream().map(each -> new Weight(each.router(), 0)).toList());
            return;
        }
        int warps = SCORE_THREADS / WARP;
        score.launch(stream, (experts.count() + warps - 1) / warps, (rows + SCORED - 1) / SCORED, 1, logits, normed,
                layer.router(), rows);
    }

    /** For the same text a prompt's are one kind always and a step's another, whose sums are in other orders. */
    private Products products(double average, boolean prompts) {
        if (sameText && prompts) {
            return many;
        }
        return few.stream().filter(one -> average <= one.average()).findFirst()
                .orElse(sameText ? few.get(few.size() - 1) : many);
    }

    private static int blocks(int rows, Products products) {
        return (rows + products.rows() - 1) / products.rows();
    }

    /** What all tokens go through, to {@code gateUp}. */
    private void share(Pointer stream, CublasLt lt, PassBuffers in, Layer layer, int rows, int wholeRows,
            long normed) {
        int width = experts.shared();
        lt.multiply(stream, new Shape(type, type, wholeRows, 2 * width, hidden, false, false), normed,
                Objects.requireNonNull(layer.sharedGateUp()), in.gateUp(), in.gateUp(),
                () -> layers.stream().map(Layer::sharedGateUp).toList());
        int blocks = (width / CudaKernels.PACK_16 + CudaKernels.SWIGLU_THREADS - 1) / CudaKernels.SWIGLU_THREADS;
        Objects.requireNonNull(swiglu).launch(stream, blocks, rows, 1, in.activated(), in.gateUp(), 0L,
                0L);
        lt.multiply(stream, new Shape(type, type, wholeRows, hidden, width, false, false), in.activated(),
                Objects.requireNonNull(layer.sharedDown()), in.gateUp(), in.gateUp(),
                () -> layers.stream().map(Layer::sharedDown).toList());
    }
}
