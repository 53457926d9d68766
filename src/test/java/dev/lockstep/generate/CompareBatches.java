package dev.lockstep.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.torch.Device;

/** Continuous batches against static ones; src/test/bench/batches.sh tells all. */
final class CompareBatches {
    private static final int SHORTEST = 10;
    private static final int LONGEST = 400;

    private final Generator generator;
    private final List<Request> requests;
    private final int batchSize;

    private CompareBatches(Generator generator, List<Request> requests, int batchSize) {
        this.generator = generator;
        this.requests = requests;
        this.batchSize = batchSize;
    }

    public static void main(String[] args) throws Exception {
        int rows = args.length > 0 ? Integer.parseInt(args[0]) : 160;
        int batchSize = args.length > 1 ? Integer.parseInt(args[1]) : 16;
        int repeats = args.length > 2 ? Integer.parseInt(args[2]) : 3;
        Path examples = Path.of(System.getProperty("lockstep.home"), "examples");
        List<String> prompts = new ArrayList<>();
        for (String line : Files.readAllLines(examples.resolve("first-lines.jsonl"))) {
            prompts.add(new ObjectMapper().readTree(line).get("prompt").asText());
        }
        try (Generator generator = Generator.load(Checkpoint.open(examples.resolve("models/kjv-6m")), Device.CPU,
                DType.FLOAT32)) {
            SplittableRandom random = new SplittableRandom(1);
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                requests.add(new Request(i, 0, generator.tokenizer().encode(prompts.get(i % prompts.size()), true),
                        params(random.nextInt(SHORTEST, LONGEST + 1))));
            }
            new CompareBatches(generator, requests, batchSize).run(repeats);
        }
    }

    private static SamplingParams params(int tokens) {
        return SamplingParams.builder(tokens).temperature(0.8).topP(0.95).ignoreEos(true).build();
    }

    /** One way to get the completions of all requests. */
    private interface Way {
        List<Completion> complete();
    }

    private void run(int repeats) {
        Map<String, Way> ways = new LinkedHashMap<>();
        ways.put("continuous", () -> generator.generate(requests, batchSize, (done, tokens) -> {
        }));
        ways.put("static", () -> inBatches(false));
        ways.put("padded", () -> inBatches(true));
        long tokens = requests.stream().mapToLong(request -> request.params().maxNewTokens()).sum();
        System.out.printf(Locale.ROOT, "%d rows of %d to %d new tokens, %d tokens, batch size %d%n", requests.size(),
                SHORTEST, LONGEST, tokens, batchSize);
        generator.generate(requests.subList(0, batchSize), batchSize, (done, count) -> {
        });
        List<String> names = List.copyOf(ways.keySet());
        Map<String, double[]> rates = new LinkedHashMap<>();
        // on a shared machine what a run had of the processors says more than the clock
        Map<String, double[]> cpuRates = new LinkedHashMap<>();
        names.forEach(name -> rates.put(name, new double[repeats]));
        names.forEach(name -> cpuRates.put(name, new double[repeats]));
        List<Completion> expected = null;
        for (int repeat = 0; repeat < repeats; repeat++) {
            for (int i = 0; i < names.size(); i++) {
                String name = names.get((i + repeat) % names.size());
                long steps = generator.timing().steps();
                Duration cpu = cpu();
                long begin = System.nanoTime();
                List<Completion> completions = ways.get(name).complete();
                double seconds = (System.nanoTime() - begin) / 1e9;
                double cpuSeconds = cpu().minus(cpu).toNanos() / 1e9;
                rates.get(name)[repeat] = tokens / seconds;
                cpuRates.get(name)[repeat] = tokens / cpuSeconds;
                System.out.printf(Locale.ROOT, "%d %-10s %8.2f s %8.2f CPU s %8.1f tokens/s %7d steps%n", repeat + 1,
                        name, seconds, cpuSeconds, tokens / seconds, generator.timing().steps() - steps);
                expected = expected == null ? completions : expected;
                for (int row = 0; row < requests.size(); row++) {
                    int length = requests.get(row).params().maxNewTokens();
                    if (!Arrays.equals(expected.get(row).tokenIds(), 0, length, completions.get(row).tokenIds(), 0,
                            length)) {
                        throw new IllegalStateException(name + ": row " + row + " has other tokens");
                    }
                }
            }
        }
        double[] continuous = medians(rates.get("continuous"), cpuRates.get("continuous"));
        for (String name : names) {
            double[] median = medians(rates.get(name), cpuRates.get(name));
            System.out.printf(Locale.ROOT,
                    "%-10s median %8.1f tokens/s, %8.1f tokens/CPU s; continuous has %.2f and %.2f "
                            + "times as many%n",
                    name, median[0], median[1], continuous[0] / median[0],
                    continuous[1] / median[1]);
        }
        if (continuous[0] < 1.5 * medians(rates.get("padded"))[0]) {
            System.exit(1);
        }
    }

    private static double[] medians(double[]... series) {
        return Arrays.stream(series).mapToDouble(values -> Arrays.stream(values).sorted().toArray()[values.length / 2])
                .toArray();
    }

    private static Duration cpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** @param padded every row computes as many tokens as the longest of its batch */
    private List<Completion> inBatches(boolean padded) {
        List<Completion> completions = new ArrayList<>();
        for (int from = 0; from < requests.size(); from += batchSize) {
            List<Request> batch = requests.subList(from, Math.min(requests.size(), from + batchSize));
            int longest = batch.stream().mapToInt(request -> request.params().maxNewTokens()).max().orElseThrow();
            List<Request> rows = batch.stream().map(request -> padded
                    ? new Request(request.index(), request.sample(), request.promptIds(), params(longest))
                    : request).toList();
            completions.addAll(generator.generate(rows, batchSize, (done, tokens) -> {
            }));
        }
        return completions;
    }
}
