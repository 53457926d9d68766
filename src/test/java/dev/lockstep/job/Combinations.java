package dev.lockstep.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.model.Checkpoint;
import dev.lockstep.model.DType;
import dev.lockstep.model.Golden;
import dev.lockstep.world.World;

/**
 * A job that splits, generates and gathers as {@code generate} does, for many models and batch sizes in one launch:
 * starting ranks costs more than all its tokens.
 *
 * <p>
 * Arguments: the file for the answers, a JSON object of rows by {@link #key}; the directory with a copy of every golden
 * checkpoint.
 */
final class Combinations {
    static final List<Integer> SAMPLED_BATCH_SIZES = List.of(1, 5, 16);
    static final int SAMPLED_PROMPTS = 20;

    private static final Generator.Progress UNSEEN = (rows, tokens) -> {
    };

    /** What became of a prompt. */
    record Answer(int[] ids, String text, String finishReason, int rank) {}

    private final World world;
    private final Map<String, List<Answer>> answers = new LinkedHashMap<>();

    private Combinations(World world) {
        this.world = world;
    }

    /** All batch sizes for two families that differ in everything; one for the others. */
    static List<Integer> batchSizes(String family) {
        return family.equals("qwen3") || family.equals("mistral-sliding") ? List.of(1, 4, 10) : List.of(4);
    }

    static String key(String what, String how, int batchSize) {
        return what + " " + how + " " + batchSize;
    }

    public static void main(String[] args) throws IOException {
        try (World world = World.init(args)) {
            Combinations job = new Combinations(world);
            for (String family : Golden.CHECKPOINTS) {
                job.golden(family, Path.of(args[1], family));
            }
            job.sampled();
            if (world.isRoot()) {
                new ObjectMapper().writeValue(Path.of(args[0]).toFile(), job.answers);
            }
        }
    }

    private void golden(String family, Path directory) {
        JsonNode expected = Golden.expected(family);
        List<Integer> ends = List.of(expected.get("eos_token_id").asInt());
        List<int[]> prompts = new ArrayList<>();
        expected.get("cases").forEach(golden -> prompts.add(Golden.ints(golden.get("prompt_ids"))));
        try (Generator generator = Generator.load(Checkpoint.open(directory), "cpu", DType.FLOAT32)) {
            for (int batchSize : batchSizes(family)) {
                answer(key(family, "free", batchSize), generator, prompts, greedy(List.of()), batchSize);
                answer(key(family, "ended", batchSize), generator, prompts, greedy(ends), batchSize);
            }
        }
    }

    private static SamplingParams greedy(List<Integer> ends) {
        return new SamplingParams(true, 1, 0, 1, 0, 1, 0, 40, 0, false, ends, List.of());
    }

    private void sampled() {
        SamplingParams params = new SamplingParams(false, 0.8, 0, 0.95, 0, 1, 0, 30, 0, true, List.of(), List.of());
        try (Generator generator = Generator.load(Checkpoint.open(Runs.KJV), "cpu", DType.FLOAT32)) {
            List<int[]> prompts = Runs.firstLines().subList(0, SAMPLED_PROMPTS).stream()
                    .map(text -> generator.tokenizer().encode(text, true)).toList();
            for (int batchSize : SAMPLED_BATCH_SIZES) {
                answer(key("kjv-6m", "sampled", batchSize), generator, prompts, params, batchSize);
            }
        }
    }

    private void answer(String key, Generator generator, List<int[]> prompts, SamplingParams params, int batchSize) {
        List<Request> requests = new ArrayList<>();
        for (int[] prompt : prompts) {
            requests.add(new Request(requests.size(), 0, prompt, params));
        }
        List<Answer> mine = generator.generate(world.split(requests), batchSize, UNSEEN).stream()
                .map(done -> new Answer(done.tokenIds(), done.text(),
                        done.finishReason().name().toLowerCase(Locale.ROOT), world.rank()))
                .toList();
        world.gatherAll(mine, Answer.class).ifPresent(all -> answers.put(key, all));
    }
}
