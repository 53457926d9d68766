package dev.lockstep.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.torch.Device;

/**
 * The golden cases and the trained model on a device, by hand where there is no Maven: {@code DeviceCheck cuda:0}, or with
 * names after it those alone: of golden checkpoints, of types for the trained model, and {@code logprobs}. Prints a line for
 * each check and ends with the number of failed ones as exit code.
 */
final class DeviceCheck {
    private static final Generator.Progress UNSEEN = (rows, tokens) -> {
    };
    private static int failures;

    private DeviceCheck() {}

    public static void main(String[] args) throws Exception {
        Device device = new Device(args[0]);
        List<String> all = new ArrayList<>(Golden.CHECKPOINTS);
        Arrays.stream(DType.values()).map(DType::toString).forEach(all::add);
        all.add("logprobs");
        for (String name : args.length > 1 ? Arrays.asList(args).subList(1, args.length) : all) {
            if (name.equals("logprobs")) {
                logprobs("llama-gqa", device);
                logprobs("mistral-sliding", device);
            } else if (Golden.CHECKPOINTS.contains(name)) {
                golden(name, device);
            } else {
                trained(DType.parse(name), device);
            }
        }
        System.exit(failures);
    }

    private static void trained(DType dtype, Device device) {
        Checkpoint kjv = Checkpoint.open(Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m"));
        for (boolean greedy : new boolean[]{true, false}) {
            for (boolean kernels : new boolean[]{false, true}) {
                List<int[]> plain = kjv(kjv, device, dtype, greedy, false, kernels, 64);
                List<int[]> graph = kjv(kjv, device, dtype, greedy, true, kernels, 64);
                List<int[]> alone = kjv(kjv, device, dtype, greedy, true, kernels, 1);
                String what = dtype + (greedy ? " greedy" : " sampled") + (kernels ? ", kernels" : "");
                report(what + ": graphs change nothing", agreement(plain, graph), 1);
                report(what + ": batch 1 as batch 64, first 50 tokens", agreement(alone, graph),
                        dtype == DType.FLOAT32 ? 1 : 0.95);
            }
        }
    }

    private static void logprobs(String family, Device device) throws Exception {
        JsonNode cases = Golden.json("logprobs-" + family + ".json").get("cases");
        SamplingParams params = SamplingParams.builder(40).greedy(true).logprobs(5).build();
        List<Request> requests = new ArrayList<>();
        for (JsonNode golden : cases) {
            requests.add(new Request(requests.size(), 0, Golden.ints(golden.get("prompt_ids")), params));
        }
        Path directory = Golden.copyWithTokenizer(family, Files.createTempDirectory("golden"));
        // what a 16-bit type computes is not transformers' float32; that its steps are recorded must change nothing
        for (DType dtype : new DType[]{DType.FLOAT32, DType.BFLOAT16}) {
            List<List<TokenLogprobs>> runs = new ArrayList<>();
            for (boolean graphs : new boolean[]{true, false}) {
                try (Generator generator = Generator.load(Checkpoint.open(directory), device, dtype,
                        new Acceleration(graphs, true, false))) {
                    runs.add(generator.generate(requests, 4, UNSEEN).stream().flatMap(row -> row.logprobs().stream())
                            .toList());
                }
            }
            int equal = 0;
            for (int i = 0; i < runs.get(0).size(); i++) {
                TokenLogprobs likely = runs.get(0).get(i);
                double expected = dtype == DType.FLOAT32
                        ? cases.get(i / 40).get("logprobs").get(i % 40).asDouble()
                        : runs.get(1).get(i).chosen();
                equal += Math.abs(likely.chosen() - expected) < 1e-4 && likely.best()[0] == likely.chosen() ? 1 : 0;
            }
            report(family + " " + dtype + ": log-probabilities", (double) equal / runs.get(0).size(), 1);
        }
    }

    private static void golden(String family, Device device) throws Exception {
        JsonNode cases = Golden.expected(family).get("cases");
        SamplingParams params = SamplingParams.greedy(40, List.of());
        List<Request> requests = new ArrayList<>();
        for (JsonNode golden : cases) {
            requests.add(new Request(requests.size(), 0, Golden.ints(golden.get("prompt_ids")), params));
        }
        Path directory = Golden.copyWithTokenizer(family, Files.createTempDirectory("golden"));
        for (DType dtype : new DType[]{DType.FLOAT32, DType.BFLOAT16}) {
            for (boolean kernels : new boolean[]{false, true}) {
                try (Generator generator = Generator.load(Checkpoint.open(directory), device, dtype,
                        new Acceleration(true, kernels, false))) {
                    int equal = 0;
                    int all = 0;
                    // the second time in pieces, between which the other rows decode
                    for (int batchSize : new int[]{1, 4, 10, 1, 4, 10}) {
                        generator.prefillTokens(all < 3 * cases.size() ? Scheduler.PREFILL_TOKENS : 5);
                        for (Completion completion : generator.generate(requests, batchSize, UNSEEN)) {
                            all++;
                            if (Arrays.equals(completion.tokenIds(),
                                    Golden.ints(cases.get(completion.index()).get("greedy_ids")))) {
                                equal++;
                            }
                        }
                    }
                    // in 16 bits these random models go their own way sooner or later; said for information
                    report(family + " " + dtype + (kernels ? ", kernels" : "")
                            + ": rows equal to transformers' float32", (double) equal / all,
                            dtype == DType.FLOAT32 ? 1 : 0);
                }
            }
        }
    }

    private static List<int[]> kjv(Checkpoint checkpoint, Device device, DType dtype, boolean greedy, boolean graphs,
            boolean kernels, int batchSize) {
        SamplingParams params = SamplingParams.builder(50).greedy(greedy).temperature(0.8).topP(0.95).ignoreEos(true)
                .build();
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            JsonNode golden = Golden.expected("llama-gqa").get("cases").get(i % 10);
            prompts.add(golden.get("prompt").asText().substring(i / 10));
        }
        try (Generator generator = Generator.load(checkpoint, device, dtype,
                new Acceleration(graphs, kernels, false))) {
            return generator.complete(prompts, params, batchSize).stream().map(Completion::tokenIds).toList();
        }
    }

    /** The share of tokens before the first difference of each row. */
    private static double agreement(List<int[]> a, List<int[]> b) {
        int same = 0;
        int all = 0;
        for (int i = 0; i < a.size(); i++) {
            int at = Arrays.mismatch(a.get(i), b.get(i));
            same += at < 0 ? a.get(i).length : at;
            all += a.get(i).length;
        }
        return (double) same / all;
    }

    private static void report(String what, double share, double atLeast) {
        boolean good = share >= atLeast;
        failures += good ? 0 : 1;
        System.out.printf("%-6s %-70s %.4f%n", good ? "ok" : "FAILED", what, share);
    }
}
