package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Every example, as it stands, through the launcher, with two ranks where nothing else is said. */
class ExamplesIT {
    private static final Path EXAMPLES = Launched.HOME.resolve("examples");
    private static final String LAST_LINE = "tokens/sec: \\d+\\.\\d, time elapsed: \\d+\\.\\d\\d, num_tokens %d, "
            + "num_prompts 10";

    @TempDir
    private Path scratch;
    private final JsonNode cases = Golden.expected("qwen3").get("cases");
    private String model;
    private String prompts;

    @BeforeEach
    void writePrompts() throws IOException {
        model = Golden.copyWithTokenizer("qwen3", scratch).toString();
        Path file = scratch.resolve("prompts.txt");
        for (JsonNode golden : cases) {
            Files.writeString(file, golden.get("prompt").asText() + "\n",
                    Files.exists(file)
                            ? StandardOpenOption.APPEND
                            : StandardOpenOption.CREATE);
        }
        prompts = file.toString();
    }

    private static Launched.Result run(String example, String... args) {
        return run(2, example, args);
    }

    private static Launched.Result run(int ranks, String example, String... args) {
        String[] words = Stream.concat(Stream.of("-np", Integer.toString(ranks), "--device", "cpu",
                EXAMPLES.resolve(example).toString()), Stream.of(args))
                .toArray(String[]::new);
        Launched.Result result = Launched.mpjrun(words).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        return result;
    }

    @Test
    void examples_each_areUnderSixtyLinesAndTestedHere() throws IOException {
        try (Stream<Path> files = Files.list(EXAMPLES)) {
            List<Path> sources = files.filter(file -> file.toString().endsWith(".java")).toList();
            for (Path source : sources) {
                assertThat(Files.readAllLines(source)).as("%s", source).hasSizeLessThan(60);
                String test = source.getFileName().toString().replace(".java", "");
                assertThat(Stream.of(ExamplesIT.class.getDeclaredMethods()).map(method -> method.getName()))
                        .anyMatch(method -> method.equalsIgnoreCase(test));
            }
            assertThat(sources).isNotEmpty();
        }
    }

    @Test
    void helloRanks() {
        assertThat(run("HelloRanks.java").lines()).satisfiesExactly(
                line -> assertThat(line).startsWith("rank 0 of 2").endsWith("[one, program, many]"),
                line -> assertThat(line).startsWith("rank 1 of 2").endsWith("[ranks, in, step]"),
                line -> assertThat(line).isEqualTo("all 2 ranks have come this far"));
    }

    @Test
    void firstText() {
        String kjv = Runs.KJV.toString();
        List<String> alone = run(1, "FirstText.java", kjv).lines();
        assertThat(alone).satisfiesExactly(line -> assertThat(line).matches("In the beginning.{20,}"),
                line -> assertThat(line).matches("And it came to pass.{20,}"),
                line -> assertThat(line).matches("Blessed are.{20,}"),
                line -> assertThat(line).matches("Behold, I.{20,}"));
        assertThat(run(3, "FirstText.java", kjv).lines()).isEqualTo(alone);
    }

    @Test
    void oneByOne() {
        Launched.Result result = run("OneByOne.java", model, prompts);
        assertThat(result.lines()).last().asString().matches(String.format(LAST_LINE, 1000));
        for (JsonNode golden : cases) {
            assertThat(result.stdout()).contains(golden.get("prompt").asText() + " |");
        }
    }

    @Test
    void batched() throws IOException {
        Launched.Result result = run("Batched.java", model, prompts);
        assertThat(result.lines()).last().asString().matches(String.format(LAST_LINE, 1000));
        JsonNode answers = new ObjectMapper()
                .readTree(result.stdout().substring(0, result.stdout().lastIndexOf(']') + 1));
        assertThat(answers).hasSize(10);
        for (int i = 0; i < 10; i++) {
            assertThat(answers.get(i).get("prompt")).isEqualTo(cases.get(i).get("prompt"));
            assertThat(answers.get(i).get("tokens").asInt()).isEqualTo(100);
        }
    }

    @Test
    void compare() {
        List<String> lines = run("Compare.java", model, prompts).lines();
        assertThat(lines).hasSize(3);
        assertThat(lines.get(0)).matches("one by one: " + String.format(LAST_LINE, 1000));
        assertThat(lines.get(1)).matches("batched: " + String.format(LAST_LINE, 1000));
        assertThat(Double.parseDouble(lines.get(2).replace("batched / one by one: ", ""))).isGreaterThan(1);
    }

    @Test
    void monteCarloPi() {
        String one = run(1, "MonteCarloPi.java", "1000000").stdout();
        assertThat(Double.parseDouble(one.split(" ")[3])).isCloseTo(Math.PI, within(0.005));
        assertThat(run(3, "MonteCarloPi.java", "1000000").stdout()).isEqualTo(one);
    }

    @Test
    void dataParallelTraining() {
        double[] alone = losses(run(1, "DataParallelTraining.java"));
        assertThat(alone).hasSize(10);
        assertThat(alone[9]).as("it learns").isLessThan(alone[0] / 10);
        // four ranks with a quarter of the batch each
        assertThat(losses(run(4, "DataParallelTraining.java"))).containsExactly(alone, within(1e-4));
    }

    /** Ranks are killed twice, and what it learns is what it learns undisturbed. */
    @Test
    @LongRun
    void resumedTraining() {
        String undisturbed = run(2, "ResumedTraining.java", scratch.resolve("whole.json").toString()).stdout();
        assertThat(undisturbed).hasLineCount(20);
        Path file = scratch.resolve("training.json");
        try (Launched launched = Launched.mpjrun("-np", "2", "--device", "cpu", "--max-restarts", "2",
                EXAMPLES.resolve("ResumedTraining.java").toString(), file.toString()).start()) {
            for (int restart = 0; restart < 2; restart++) {
                launched.awaitStdout(restart == 0 ? "step 100 " : "step 240 ");
                String variables = "LOCKSTEP_RESTART=" + restart + "\0";
                Launched.signal(launched.ranks().stream()
                        .filter(rank -> Launched.environment(rank).contains(variables)).skip(restart).findFirst()
                        .orElseThrow(), "KILL");
            }
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stderr()).contains("; restart 1 of 2").contains("; restart 2 of 2");
            assertThat(result.lines()).startsWith(undisturbed.lines().findFirst().orElseThrow())
                    .endsWith(undisturbed.lines().skip(19).findFirst().orElseThrow());
            // from what was kept on, not from the beginning
            assertThat(result.stdout().lines().filter(line -> line.startsWith("step 0 "))).hasSize(1);
            assertThat(result.stdout().lines().distinct()).isEqualTo(undisturbed.lines().toList());
        }
        assertThat(file).doesNotExist();
    }

    /** The heat is what numpy computes. */
    @Test
    @LongRun
    void jacobi() {
        for (int ranks : new int[]{1, 4, 6}) {
            assertThat(run(ranks, "Jacobi.java", "30", "200").stdout()).startsWith("heat 16857.340255 in ");
        }
    }

    @Test
    @LongRun
    void sampleSort() {
        long[] sorted = LongStream.range(0, 10_000).map(i -> new SplittableRandom(i).nextLong()).sorted().toArray();
        long check = IntStream.range(0, sorted.length).mapToLong(i -> i * sorted[i]).sum();
        assertThat(run(1, "SampleSort.java", "10000").stdout()).startsWith("sorted " + check + " in ");
        assertThat(run(3, "SampleSort.java", "10000").stdout()).startsWith("sorted " + check + " in ");
    }

    /** The error is what numpy computes. */
    @Test
    @LongRun
    void kMeans() {
        assertThat(run(1, "KMeans.java", "3000").stdout()).startsWith("error 2741.596686 in ");
        assertThat(run(3, "KMeans.java", "3000").stdout()).startsWith("error 2741.596686 in ");
    }

    private static double[] losses(Launched.Result result) {
        return result.lines().stream().mapToDouble(line -> Double.parseDouble(line.replaceFirst(".* loss ", "")))
                .toArray();
    }
}
