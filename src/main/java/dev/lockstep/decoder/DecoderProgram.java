package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

import ai.djl.engine.EngineException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.checkpoint.KvScales;
import dev.lockstep.decoder.kv.LayerGroups;
import dev.lockstep.decoder.sampling.LogitEdits;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingColumns;
import dev.lockstep.decoder.sampling.SamplingKind;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.NormForm;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Residual;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.TorchScriptProgram;

/**
 * The TorchScript program that begins in {@code decoder.torchscript}, its methods with the types that they take and give;
 * what each does is said there. A call costs some microseconds and on a GPU waits for nothing, but for those that give
 * numbers back. All throw {@link dev.lockstep.torch.OutOfDeviceMemoryException} when the device's memory does not suffice.
 * Not safe for use by several threads.
 */
final class DecoderProgram implements AutoCloseable {
    /** The most tokens of each slot that are kept to be read at once. */
    static final int TOKENS_KEPT = 8;

    /** The parts of the program. */
    static final List<String> PARTS = List.of("decoder.torchscript", "cache.torchscript", "drafts.torchscript",
            "weights.torchscript", "layers.torchscript", "mlp.torchscript", "shards.torchscript", "random.torchscript",
            "sampling.torchscript");

    private static final long[][] NO_MASKS = {{0}};
    private static final Logger LOG = LoggerFactory.getLogger(DecoderProgram.class);

    private final TorchScriptProgram program;
    private final ProgramWeights weights;
    // longer sequences are far ones, in models that turn these differently
    private int near = Integer.MAX_VALUE;
    private boolean penalized;
    private boolean wanting;
    private boolean keeping;
    private ExpertWeights experts = ExpertWeights.WIDE;

    /** @param program one that has {@link #PARTS}, and for tests more */
    DecoderProgram(TorchScriptProgram program) {
        this.program = program;
        this.weights = new ProgramWeights(program);
    }

    /**
     * Loads it with the faster functions that this libtorch has for the device, for the calling thread to use.
     *
     * @throws dev.lockstep.djl.LibraryException when the PyTorch engine cannot be loaded
     */
    static DecoderProgram load(Device device) {
        DecoderProgram program = new DecoderProgram(source(device.isCpu() ? "cpu.torchscript" : "cuda.torchscript"));
        if (device.isCpu()) {
            TorchScriptProgram.withoutOptimizer();
        }
        return program;
    }

    private static TorchScriptProgram source(String faster) {
        try {
            return TorchScriptProgram.load(Decoder.class, "Decoder", PARTS, faster);
        } catch (EngineException e) {
            LOG.debug("this libtorch lacks an operation of {}", faster, e);
            return TorchScriptProgram.load(Decoder.class, "Decoder", PARTS);
        }
    }

    // ---- the model

    /**
     * Gives it the model's shapes, before anything else.
     *
     * @param shard what it gets of the model's weights
     */
    void configure(Shard shard, DType dtype, Device device) {
        ModelConfig config = shard.part();
        program.integer("configure_vocabulary", shard.whole().vocabulary(), shard.firstToken());
        program.integer("configure", config.heads(), config.kvHeads(), config.headDim(), scalarType(dtype),
                device.name());
        program.integer("configure_norms", config.norms().eps(), config.norms().wide(), config.norms().addOne(),
                config.norms().form() != NormForm.RMS,
                config.norms().qk() == QkNorm.EACH_HEAD_TURNED
                        || config.norms().qk() == QkNorm.TURNED_WITHOUT_WEIGHT,
                config.norms().qk() == QkNorm.EACH_HEAD_ITS_OWN, config.norms().residual() != Residual.IN_TURN);
        program.integer("configure_attention", config.attention().scale(), config.attention().softcap());
        program.integer("configure_ends", config.embeddingScale(), config.finalSoftcap(),
                config.activation().function(), config.activation().isAlone(), config.ends().firstPosition());
        List<ModelConfig.Layer> layers = config.attention().layers();
        List<Rope> ropes = config.ropes();
        near = config.nearTokens();
        for (Rope rope : ropes) {
            program.integer("add_rotary", rope.inverseFrequencies(), rope.farFrequencies(), rope.magnitude(),
                    rope.theta(),
                    rope.scaling()instanceof Rope.Dynamic it ? it.factor() : 0.0, (double) rope.longestPrompt());
        }
        ModelConfig.Experts experts = config.experts();
        if (experts != null) {
            ModelConfig.Routing routing = experts.routing();
            program.integer("configure_experts", routing.perToken(), routing.normalized(), routing.sigmoid(),
                    routing.groups(), routing.chosen(), routing.factor(), experts.scalesInput());
        }
        for (int i = 0; i < layers.size(); i++) {
            program.integer("add_layer", layers.get(i).window(), ropes.indexOf(layers.get(i).rope()),
                    config.hasExperts(i));
        }
        if (config.norms().qk() == QkNorm.TURNED_WITHOUT_WEIGHT) {
            program.integer("norm_without_weight");
        }
    }

    /** Whether it has flash attention for the model, which {@link #attendPass} needs. */
    static boolean hasFlashAttention(ModelConfig config, DType dtype, Device device) {
        return !device.isCpu() && dtype != DType.FLOAT32 && config.attention().softcap() == 0;
    }

    /** How experts' weights are kept; before these come. */
    void useExperts(ExpertWeights how) {
        experts = how;
        if (how != ExpertWeights.WIDE) {
            program.integer("use_narrow_experts", how.bits());
        }
    }

    ExpertWeights experts() {
        return experts;
    }

    /** The layers' products are in fp8; before weights come. */
    void useFp8() {
        program.integer("use_fp8");
    }

    /** Keys and values are kept in fp8; before there is a cache. */
    void useFp8Kv(KvScales scales) {
        program.integer("use_kv_fp8", scales.keys().stream().mapToDouble(Float::doubleValue).toArray(),
                scales.values().stream().mapToDouble(Float::doubleValue).toArray());
    }

    /** After this the driver can be called for the device, by this thread. */
    void useDevice(Device device) {
        program.integer("use_device", device.name());
    }

    /** How it gets its weights. */
    ProgramWeights weights() {
        return weights;
    }

    // ---- the cache and the slots

    /** @param pageTokens 0 for slots that are not made of pages */
    void allocateCache(int slots, int capacity, int pages, int pageTokens, LayerGroups groups) {
        program.integer("allocate_cache", slots, capacity, pages, pageTokens, longs(groups.group()),
                longs(groups.place()),
                groups.windows().length);
    }

    void widen(int capacity) {
        program.integer("widen", capacity);
    }

    /** Empties slots of the table of pages, then fills places of it, counted through all slots. */
    void turnPages(long[] emptied, long[] places, long[] pages) {
        program.integer("turn_pages", emptied, places, pages);
    }

    void freeCache() {
        program.integer("free_cache");
    }

    /** The first tokens of a slot come to another as well; not in pages. */
    void copyCache(int source, int target, int tokens) {
        program.integer("copy_cache", source, target, tokens);
    }

    void moveCache(int source, int target) {
        program.integer("move_cache", source, target);
    }

    /** After {@link #allocateCache}. */
    void allocateSlots(DecoderAllocation size, int vocabulary) {
        penalized = size.penalized();
        program.integer("allocate_slots", size.slots(), TOKENS_KEPT, SamplingColumns.Floats.values().length,
                SamplingColumns.Ints.values().length, size.endTokens(), size.penalized(),
                Math.min(size.logprobs(), vocabulary));
    }

    void moveSlot(int source, int target) {
        program.integer("move_slot", source, target);
    }

    /** Of rows whose last piece a pass has brought, before their first token is chosen; none may be twice. */
    void admit(List<Admission> rows) {
        List<RowSampling> settings = rows.stream().map(Admission::settings).toList();
        // tokens are counted where something depends on how often they came
        List<Admission> counted = penalized ? rows : List.of();
        program.integer("admit", Admission.slots(rows), SamplingColumns.floats(settings),
                SamplingColumns.ints(settings), Admission.prompts(counted),
                counted.stream().mapToLong(Admission::promptLength).toArray(), Admission.generatedTokens(counted),
                rows.stream().mapToLong(Admission::generated).toArray());
    }

    // ---- steps

    /** Whether a sequence that may come to have so many tokens is turned by the tables of far ones. */
    boolean isFar(int reach) {
        return reach > near;
    }

    /** Pieces of prompts, of which the first so many are then complete. */
    void prefill(List<Admission> rows, int complete) {
        program.integer("prefill", Admission.packed(rows), Admission.slots(rows), Admission.starts(rows),
                Admission.lengths(rows), far(rows), complete);
    }

    /** The next pass has logits after the tokens of these places too, behind those of complete rows. */
    void want(long[] places) {
        if (places.length > 0 || wanting) {
            wanting = places.length > 0;
            program.integer("want", places);
        }
    }

    /** Whether the hidden states of passes' tokens after the last norm are kept until the next pass. */
    void keepStates(boolean kept) {
        if (kept != keeping) {
            keeping = kept;
            program.integer("keep_states", kept);
        }
    }

    /** Sums of these: of each the first token, and the one after the last; float32 [sums, hidden]. */
    float[][] states(long[] begins, long[] ends) {
        return program.floats("states", begins, ends);
    }

    /**
     * How likely the model holds these tokens, by the logits that were {@linkplain #want wanted}.
     *
     * @param complete rows of the pass
     */
    float[][] scores(long[] tokens, int complete) {
        return program.floats("scores", tokens, complete);
    }

    /** Allocates so many bytes and gives them back. */
    void makeRoom(long bytes) {
        program.integer("make_room", bytes);
    }

    /** {@link #prefill}, but computed outside of the program, all but attention, with so many bytes to work in. */
    void beginPass(List<Admission> rows, long bytes) {
        program.integer("begin_pass", Admission.packed(rows), Admission.slots(rows), Admission.starts(rows),
                Admission.lengths(rows), far(rows), bytes);
    }

    /**
     * Of a tensor of the pass.
     *
     * @param name  {@code scratch}, {@code token}, {@code rows}, {@code cos} or {@code sin}
     * @param which rotary embedding, or of rows the group of layers
     */
    long passAddress(String name, int which, ScalarType type) {
        return program.address(type, "pass_tensor", name, which);
    }

    /**
     * Computes the attention of a layer.
     *
     * @param at   byte of the scratch that queries, keys and values begin at
     * @param rows so many that may be read of the result
     * @return the address of [tokens, heads * head width]
     */
    long attendPass(int layer, int tokens, long at, int rows, ScalarType type) {
        return program.address(type, "attend_pass", layer, tokens, at, rows);
    }

    /**
     * Ends a pass.
     *
     * @param at      byte of the scratch that the last norm of the hidden states begins at
     * @param outside logits are not computed: the state {@code first_logits} has room for those of {@code last_normed}
     */
    void endPass(List<Admission> rows, int complete, long at, boolean outside) {
        program.integer("end_pass", Admission.slots(rows), Admission.starts(rows), Admission.lengths(rows), complete,
                at, outside);
    }

    // ---- the same with ranks that have a shard of the model each, whose terms have to be added up before the next call

    /** {@link #prefill} begins; gives the address of the embedding's terms. */
    long shardPacked(List<Admission> rows) {
        return program.address(ScalarType.FLOAT32, "shard_packed", Admission.packed(rows), Admission.slots(rows),
                Admission.starts(rows), Admission.lengths(rows), far(rows));
    }

    long shardStep(int rows, int longest) {
        return program.address(ScalarType.FLOAT32, "shard_step", rows, longest);
    }

    /** @return the address of terms [tokens, hidden], as of those that a pass begins with */
    long shardAttention(int layer) {
        return program.address(ScalarType.FLOAT32, "shard_attention", layer);
    }

    /**
     * In families that norm queries and keys over all heads.
     *
     * @param ranks that have some of them
     * @return the address of terms [tokens, 2] of what they are divided by
     */
    long shardSquares(int layer, int ranks) {
        return program.address(ScalarType.FLOAT32, "shard_squares", layer, ranks);
    }

    /** {@link #shardAttention} after {@link #shardSquares}. */
    long shardAttentionNormed(int layer) {
        return program.address(ScalarType.FLOAT32, "shard_attention_normed", layer);
    }

    long shardMlp(int layer) {
        return program.address(ScalarType.FLOAT32, "shard_mlp", layer);
    }

    /** @return the address of terms [complete, vocabulary], if there are such */
    long shardFirstLogits(int complete) {
        return program.address(ScalarType.FLOAT32, "shard_first_logits", complete);
    }

    void shardStepLogits() {
        program.integer("shard_step_logits");
    }

    private long[] far(List<Admission> rows) {
        return rows.stream().mapToLong(row -> isFar(row.reach()) ? 1 : 0).toArray();
    }

    /** A token for each complete row of the last prefill. */
    int[] sampleFirst(SamplingKind kind) {
        return ints(program.integers("sample_first", kind.sampled(), kind.filtered(), kind.penalized(), kind.ends(),
                kind.logprobs(), kind.refined()));
    }

    /** What {@link #sampleFirst} gives, of rows that are sampled outside of the program. */
    int[] firstTokens() {
        return ints(program.integers("first_tokens"));
    }

    void decode(int rows, int longest, SamplingKind kind) {
        program.integer("decode", rows, longest, kind.sampled(), kind.filtered(), kind.penalized(), kind.ends(),
                kind.logprobs(), kind.refined());
    }

    void decodeLogits(int rows, int longest) {
        program.integer("decode_logits", rows, longest);
    }

    void sampleStep(int rows, SamplingKind kind) {
        program.integer("sample_step", rows, kind.sampled(), kind.filtered(), kind.penalized(), kind.ends(),
                kind.logprobs(), kind.refined());
    }

    /**
     * The slots after the first so many stand for drafted tokens in the next step.
     *
     * @param rows slots that decode
     */
    void draft(int rows, Drafts drafts) {
        program.integer("draft", rows, drafts.sources(), drafts.ahead(), drafts.tokens());
    }

    /**
     * After that step.
     *
     * @param right   slots that go on with what was drafted
     * @param drafted for each of them the slot of the last token that was right
     */
    void settle(int rows, Drafts drafts, long[] right, long[] drafted) {
        program.integer("settle", rows, drafts.count(), right, drafted);
    }

    /** What the next sampling does to the logits, by row. */
    void edit(List<LogitEdits> byRow) {
        LongStream.Builder rows = LongStream.builder();
        LongStream.Builder tokens = LongStream.builder();
        DoubleStream.Builder biases = DoubleStream.builder();
        LongStream.Builder onlyRows = LongStream.builder();
        LongStream.Builder only = LongStream.builder();
        long[] which = new long[byRow.size()];
        // rows in the same state share a mask
        IdentityHashMap<long[], Integer> masks = new IdentityHashMap<>();
        List<long[]> words = new ArrayList<>();
        for (int row = 0; row < byRow.size(); row++) {
            LogitEdits edits = byRow.get(row);
            which[row] = edits.mask().length == 0
                    ? -1
                    : masks.computeIfAbsent(edits.mask(), mask -> {
                        words.add(mask);
                        return words.size() - 1;
                    });
            for (int i = 0; i < edits.tokens().length; i++) {
                rows.add(row);
                tokens.add(edits.tokens()[i]);
                biases.add(edits.biases()[i]);
            }
            for (int token : edits.only()) {
                onlyRows.add(row);
                only.add(token);
            }
        }
        program.integer("edit", rows.build().toArray(), tokens.build().toArray(), biases.build().toArray(),
                onlyRows.build().toArray(), only.build().toArray(), words.isEmpty() ? new long[0] : which,
                words.isEmpty() ? NO_MASKS : words.toArray(long[][]::new));
    }

    /**
     * Edits the logits of a step's rows for a choice outside of the program, by all but masks, which are the states
     * {@code mask_of} and {@code masks} until {@link #editsDone}.
     *
     * @return of so many rows the choice has to look for masks
     */
    int editStep(int rows) {
        return (int) program.integer("edit_step", rows);
    }

    void editsDone() {
        program.integer("edits_done");
    }

    /** The last tokens of slots 0 to {@code rows - 1}, step by step; waits for the device. */
    int[] read(int steps, int rows) {
        return ints(program.integers("read", steps, rows));
    }

    /** Float32 [steps * rows, 1 + 2 K], as {@link TokenLogprobs#of} takes them. */
    float[][] readLogprobs(int steps, int rows) {
        return program.floats("read_logprobs", steps, rows);
    }

    /** The same of the tokens that {@link #sampleFirst} gave. */
    float[][] firstLogprobs() {
        return program.floats("first_logprobs");
    }

    // ---- for steps that are computed outside of it, by addresses in a GPU's memory, which hold until the next allocation

    void allocateWorkspace(long bytes) {
        program.integer("allocate_workspace", bytes);
    }

    void allocateStep(long bytes) {
        program.integer("allocate_step", bytes);
    }

    /** Room for so many numbers of {@link dev.lockstep.decoder.kv.Cascade}. */
    void allocateCascade(int numbers) {
        program.integer("allocate_cascade", numbers);
    }

    void setCascade(long[] numbers) {
        program.integer("set_cascade", numbers);
    }

    void allocateLogits(int slots) {
        program.integer("allocate_logits", slots);
    }

    void freeStep() {
        program.integer("free_step");
    }

    /** Of one of the tensors that the program's {@code state} knows. */
    long stateAddress(String name, ScalarType type) {
        return program.address(type, "state", name);
    }

    long weightAddress(String name, int layer, ScalarType type) {
        return program.address(type, "weight", name, layer);
    }

    /** So many columns of a weight that stays in 4 bits share a scale. */
    int int4Group(String name, int layer) {
        return (int) program.integer("int4_group", name, layer);
    }

    /**
     * Of a rotary embedding's table.
     *
     * @param table {@code cos} or {@code sin}
     */
    long rotaryAddress(String table, int rope) {
        return program.address(ScalarType.FLOAT32, "rotary_table", table, rope);
    }

    long cacheAddress(int layer, ScalarType type) {
        return program.address(type, "cache", layer);
    }

    // ---- for tests

    float[][] firstLogits() {
        return program.floats("first_logits");
    }

    float[][] stepHidden(int rows) {
        return program.floats("step_hidden", rows);
    }

    float[][] stepLogits(int rows) {
        return program.floats("step_logits_of", rows);
    }

    float[][] programHidden(int rows, int longest, int layers) {
        return program.floats("program_hidden", rows, longest, layers);
    }

    float[][] programLogits(int rows, int longest) {
        return program.floats("program_logits", rows, longest);
    }

    /** The type of tensors that are computed with. */
    static ScalarType scalarType(DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> ScalarType.FLOAT32;
            case BFLOAT16 -> ScalarType.BFLOAT16;
            case FLOAT16 -> ScalarType.FLOAT16;
        };
    }

    static long[] longs(int[] values) {
        return Arrays.stream(values).asLongStream().toArray();
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    @Override
    public void close() {
        program.close();
    }
}
