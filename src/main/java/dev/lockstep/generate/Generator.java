package dev.lockstep.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import dev.lockstep.model.Checkpoint;
import dev.lockstep.model.DType;
import dev.lockstep.model.Decoder;
import dev.lockstep.model.DeviceMemory;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.Tokenizer;

/**
 * Generates text for many prompts on one device with continuous batching: a fixed number of slots, each refilled with
 * the next request as soon as its row ends. Every row gets the text it would get alone.
 *
 * <pre>{@code
 * try (Generator generator = Generator.load(Checkpoint.open(directory), "cpu", DType.FLOAT32)) {
 *     System.out.println(generator.complete(List.of("In the beginning"), params, 16).get(0).text());
 * }
 * }</pre>
 *
 * <p>Not safe for use by several threads.
 */
public final class Generator implements AutoCloseable {
    /** Prompt tokens of one prefill pass: enough to keep a device busy, few enough that decoding rows do not wait long. */
    private static final int PREFILL_TOKENS = 2048;
    private static final int CPU_SLOTS = 64;
    private static final int CUDA_SLOTS = 512;
    /** What the key-value cache may take on CPU, where other processes want memory too. */
    private static final long CPU_CACHE_BYTES = 2L << 30;

    // null: the model has random weights and no text
    private final Tokenizer tokenizer;
    private final Decoder decoder;
    // what the decoder has room for; null before the first use
    private Room room;
    private long prefillNanos;
    private long decodeNanos;
    private long steps;

    private Generator(Tokenizer tokenizer, Decoder decoder) {
        this.tokenizer = tokenizer;
        this.decoder = decoder;
    }

    /**
     * Loads tokenizer and weights.
     *
     * @param device {@code cpu}, or torch's name of a GPU: {@code cuda}, {@code cuda:0}
     * @param dtype  the type to compute in
     * @param graphs on a GPU, record decode steps as CUDA graphs
     * @throws dev.lockstep.model.ModelException when the tokenizer or the PyTorch engine cannot be loaded
     */
    public static Generator load(Checkpoint checkpoint, String device, DType dtype, boolean graphs) {
        return new Generator(Tokenizer.load(checkpoint.directory()), Decoder.load(checkpoint, device, dtype, graphs));
    }

    /** {@link #load(Checkpoint, String, DType, boolean)} with graphs. */
    public static Generator load(Checkpoint checkpoint, String device, DType dtype) {
        return load(checkpoint, device, dtype, true);
    }

    /** {@link #load(Checkpoint, String, DType)} in the checkpoint's type on a GPU and in float32 on CPU. */
    public static Generator load(Checkpoint checkpoint, String device) {
        return load(checkpoint, device, device.equals("cpu") ? DType.FLOAT32 : checkpoint.config().dtype());
    }

    /**
     * A model of random weights and without a tokenizer, for measuring: its completions have tokens, but no text.
     *
     * @param graphs record decode steps as CUDA graphs
     */
    public static Generator random(ModelConfig config, String device, DType dtype, boolean graphs) {
        return new Generator(null, Decoder.random(config, device, dtype, graphs));
    }

    /** What turns text into tokens for this model. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Told after every step how far the work is. */
    public interface Progress {
        void at(int rowsDone, long tokens);
    }

    /**
     * Slots for these requests where the user names no number: what the device makes good use of and the cache has room
     * for, in waves of equal size.
     */
    public int autoBatchSize(List<Request> requests) {
        boolean cpu = decoder.device().equals("cpu");
        long cache = cpu ? Math.min(CPU_CACHE_BYTES, decoder.memory().free() / 4) : decoder.memory().free() / 10 * 8;
        long fit = cache / Math.max(1, decoder.slotBytes(capacity(requests)));
        int slots = (int) Math.max(1, Math.min(cpu ? CPU_SLOTS : CUDA_SLOTS, fit));
        int waves = Math.max(1, (requests.size() + slots - 1) / slots);
        return Math.max(1, (requests.size() + waves - 1) / waves);
    }

    /**
     * Completes texts, each with the tokenizer's special tokens and the same parameters.
     *
     * @return a completion for each prompt, in order
     */
    public List<Completion> complete(List<String> prompts, SamplingParams params, int batchSize) {
        List<Request> requests = new ArrayList<>();
        for (String prompt : prompts) {
            requests.add(new Request(requests.size(), 0, tokenizer.encode(prompt, true), params));
        }
        return generate(requests, batchSize, (rows, tokens) -> {
        });
    }

    /**
     * Generates every request. One that cannot be generated becomes a completion with an error; the others go on.
     *
     * @param batchSize rows at a time, at least 1
     * @return a completion for each request, in order
     */
    public List<Completion> generate(List<Request> requests, int batchSize, Progress progress) {
        Completion[] completions = new Completion[requests.size()];
        List<Integer> queue = new ArrayList<>();
        for (int i = 0; i < completions.length; i++) {
            String error = error(requests.get(i));
            if (error == null) {
                queue.add(i);
            } else {
                completions[i] = failed(requests.get(i), error);
            }
        }
        if (!queue.isEmpty()) {
            reserve(queue.stream().map(requests::get).toList(), Math.min(batchSize, queue.size()));
            run(requests, queue, batchSize, completions, progress);
        }
        return Arrays.asList(completions);
    }

    private String error(Request request) {
        int context = decoder.config().contextLength();
        int vocabulary = decoder.config().vocabulary();
        if (request.promptIds().length == 0) {
            return "the prompt has no tokens";
        }
        if (request.promptIds().length >= context) {
            return "the prompt has " + request.promptIds().length + " tokens, and the model's context of " + context
                    + " leaves no room for a new one";
        }
        if (Arrays.stream(request.promptIds()).anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "the prompt has a token that is not in the model's vocabulary of " + vocabulary;
        }
        if (request.params().eosTokenIds().stream().anyMatch(id -> id < 0 || id >= vocabulary)) {
            return "an end token is not in the model's vocabulary of " + vocabulary;
        }
        return null;
    }

    private static Completion failed(Request request, String error) {
        return new Completion(request.index(), request.sample(), new int[0], "", request.promptIds().length,
                FinishReason.ERROR, error);
    }

    private int limit(Request request) {
        return Math.min(request.params().maxNewTokens(),
                decoder.config().contextLength() - request.promptIds().length);
    }

    private record Room(int slots, int capacity, int endTokens, boolean penalized) {
        boolean holds(Room need) {
            return need.slots <= slots && need.capacity <= capacity && need.endTokens <= endTokens
                    && (penalized || !need.penalized);
        }
    }

    private void reserve(List<Request> requests, int slots) {
        Room need = new Room(slots, capacity(requests),
                requests.stream().mapToInt(request -> request.params().eosTokenIds().size()).max().orElseThrow(),
                requests.stream().anyMatch(request -> new Row(request, 1, this::text).settings().penalized()));
        if (room == null || !room.holds(need)) {
            decoder.allocate(need.slots, need.capacity, need.endTokens, need.penalized);
            room = need;
        }
    }

    /**
     * Makes ready what generating these requests will need: the cache and, on a GPU, the programs that are compiled at
     * first use. {@link #generate} does so itself; this is for doing it before the clock starts.
     */
    public void prepare(List<Request> requests, int batchSize) {
        List<Request> good = requests.stream().filter(request -> error(request) == null).toList();
        if (good.isEmpty()) {
            return;
        }
        int slots = Math.min(batchSize, good.size());
        reserve(good, slots);
        if (decoder.device().equals("cpu")) {
            return;
        }
        List<Decoder.Admission> admissions = new ArrayList<>();
        int budget = PREFILL_TOKENS;
        for (Request request : good.subList(0, slots)) {
            budget -= request.promptIds().length;
            if (budget >= 0 || admissions.isEmpty()) {
                admissions.add(new Decoder.Admission(admissions.size(), request.promptIds(),
                        new Row(request, 1, this::text).settings()));
            }
        }
        for (int i = 0; i < 3; i++) {
            decoder.prefill(admissions);
        }
        decoder.warmUp(slots, admissions.get(0).settings());
    }

    private String text(int[] ids) {
        return tokenizer == null ? "" : tokenizer.decode(ids, true);
    }

    /** Tokens of the longest row. */
    private int capacity(List<Request> requests) {
        return requests.stream().mapToInt(request -> request.promptIds().length + limit(request)).max().orElse(0);
    }

    private void run(List<Request> requests, List<Integer> queue, int slots, Completion[] completions,
            Progress progress) {
        List<Row> rows = new ArrayList<>();
        List<Integer> places = new ArrayList<>();
        int next = 0;
        int done = completions.length - queue.size();
        long tokens = 0;
        while (next < queue.size() || !rows.isEmpty()) {
            int before = rows.size();
            List<Decoder.Admission> admissions = new ArrayList<>();
            int budget = PREFILL_TOKENS;
            while (next < queue.size() && rows.size() < slots) {
                Request request = requests.get(queue.get(next));
                budget -= request.promptIds().length;
                if (budget < 0 && !admissions.isEmpty()) {
                    break;
                }
                Row row = new Row(request, limit(request), this::text);
                admissions.add(new Decoder.Admission(rows.size(), request.promptIds(), row.settings()));
                rows.add(row);
                places.add(queue.get(next++));
            }
            if (!admissions.isEmpty()) {
                long start = System.nanoTime();
                int[] first = decoder.prefill(admissions);
                prefillNanos += System.nanoTime() - start;
                tokens += take(rows, before, first);
            } else {
                long start = System.nanoTime();
                int[][] chosen = decoder.step(rows.size(), stepsAtOnce(rows));
                decodeNanos += System.nanoTime() - start;
                steps += chosen.length;
                for (int[] step : chosen) {
                    tokens += take(rows, 0, step);
                }
            }
            done += retire(rows, places, completions);
            progress.at(done, tokens);
        }
    }

    /**
     * How many steps before the next look at what was chosen. A GPU would stand still at each look, so it is not looked
     * at before a row must end; a row that ends by itself in between runs along, and its further tokens are dropped.
     */
    private int stepsAtOnce(List<Row> rows) {
        if (decoder.device().equals("cpu")) {
            return 1;
        }
        return Math.min(Decoder.LOOKAHEAD, rows.stream().mapToInt(Row::remaining).min().orElseThrow());
    }

    /** Hands each row its token; one that is finished takes no more. */
    private int take(List<Row> rows, int from, int[] tokens) {
        int taken = 0;
        for (int i = 0; i < tokens.length; i++) {
            Row row = rows.get(from + i);
            if (!row.isFinished()) {
                row.add(tokens[i]);
                taken++;
            }
        }
        return taken;
    }

    /** Takes finished rows out; the last row moves into the slot that fell free, so that slots have no holes. */
    private int retire(List<Row> rows, List<Integer> places, Completion[] completions) {
        int retired = 0;
        for (int slot = rows.size() - 1; slot >= 0; slot--) {
            if (!rows.get(slot).isFinished()) {
                continue;
            }
            completions[places.get(slot)] = rows.get(slot).completion();
            int last = rows.size() - 1;
            if (slot < last) {
                decoder.move(last, slot);
                rows.set(slot, rows.get(last));
                places.set(slot, places.get(last));
            }
            rows.remove(last);
            places.remove(last);
            retired++;
        }
        return retired;
    }

    /** Where the time went since the generator was loaded. */
    public Timing timing() {
        return new Timing(prefillNanos / 1e9, decodeNanos / 1e9, steps);
    }

    /** Memory of the device now. */
    public DeviceMemory memory() {
        return decoder.memory();
    }

    /** Frees the model. */
    @Override
    public void close() {
        decoder.close();
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}
