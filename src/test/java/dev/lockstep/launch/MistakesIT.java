package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Cluster;
import dev.lockstep.fixtures.Launched;

import static org.assertj.core.api.Assertions.assertThat;

/** What people get wrong in their first hour, and what they are told. */
class MistakesIT {
    private static final String OLD = "results of an earlier job\n";

    @TempDir
    private Path directory;

    /** The launcher says so itself: a rank that had started would have begun its line otherwise. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -np 2 generate --nope               | generate: --nope is not an option of generate; see generate --help
            -np 2 generate --dtype int3         | generate: --dtype must be auto, float32, bfloat16 or float16, not int3
            -np 2 generate --max_new_tokens 0   | generate: --max-new-tokens must be 1 or more, not 0
            -np 2 generate --num-beams 4        | generate: --num-beams: there is no beam search; --num-samples N gives N samples of each row
            -np 2 bench decode --dtype int3     | bench: --dtype: "int3" is not a supported dtype; supported are float32, bfloat16 and float16
            -np 2 bench                         | bench: name what to measure: collectives, decode or generate
            -np 2 hello there                   | hello: hello takes options only, so it does not know what to do with there
            -np 2 selftest --big                | selftest: --big is not an option of selftest; see selftest --help
            generate -np 2                      | generate: -np is an option of the launcher and goes before the job: launch/mpjrun.sh -np … generate
            generate --num_processes 2          | generate: --num_processes is an option of the launcher and goes before the job: launch/mpjrun.sh --num_processes … generate
            --model x generate                  | mpjrun: --model is an option of generate and goes after it: launch/mpjrun.sh generate --model
            --report r.html generate            | mpjrun: --report is an option of generate and goes after it: launch/mpjrun.sh generate --report
            --max-tokens 3 generate             | mpjrun: --max-tokens is an option of generate and goes after it: launch/mpjrun.sh generate --max-tokens
            --nope hello                        | mpjrun: unknown option --nope (-h shows all options; those of the job come after JOB)
            -N 4 hello                          | mpjrun: -N: name hosts with as many slots, as in -H h1:4,h2:4; inside Slurm ask for --ntasks-per-node in the batch script
            --map-by node hello                 | mpjrun: --map-by: ranks fill the slots of the first host, then of the next: name the hosts in that order, as in -H h1:2,h2:2
            --num_processes none hello          | mpjrun: -np none: the number of ranks must be a whole number, 1 or more
            -jar nope.jar                       | mpjrun: -jar nope.jar cannot be read as a jar file: there is no such file or directory
            -cp /nonexistent Nope               | mpjrun: there is no job Nope: name a built-in (bench, embed, generate, hello, model, selftest), a class that is on -cp, a .java file, or -jar and a jar; of -cp there is no /nonexistent
            """)
    void mistake_isSaidBeforeAnyRankStarts(String arguments, String sentence) {
        Launched.Result result = Launched.mpjrun(arguments.split(" ")).run();
        System.out.println(arguments + ": " + result.elapsed().toMillis() + " ms");
        assertThat(result.stderr()).isEqualTo(sentence + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.stdout()).isEmpty();
    }

    @Test
    void moreRanksThanTheHostHasRoomFor_areRefusedUnlessAskedFor() {
        Launched.Result refused = Launched.mpjrun("-np", "100000", "hello").run();
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.stderr())
                .matches("mpjrun: -np 100000 is more than this host has room for, \\d+ ranks (on \\d+"
                        + " processors?|in \\d+ MB of memory): --oversubscribe starts them all the same, -H names more hosts\n");
        assertThat(Launched.mpjrun("-np", "100000", "--oversubscribe", "--dry-run", "hello").run().lines())
                .hasSize(100_000);
    }

    @Test
    void options_ofOthersThatNeedNoDoing_areTakenWithANote() {
        Launched.Result result = Launched.mpjrun("--allow-run-as-root", "--mca", "btl", "tcp", "--num_processes", "1",
                "-l", "-genv", "A", "b", "--cpu", "hello").run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr()).isEqualTo("mpjrun: --allow-run-as-root has no effect: ranks run as whoever starts "
                + "them\nmpjrun: --mca has no effect: MPJ Express carries the messages; -interface chooses the network "
                + "between hosts\n");
        assertThat(result.stdout()).startsWith("[0] rank 0 of 1 on ").endsWith(" device cpu\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"generate", "model", "bench", "bench decode", "hello", "selftest"})
    void help_ofEveryJob_isPrintedWithoutRanks(String job) {
        Launched.Result result = Launched.mpjrun(("-np 2 " + job + " --help").split(" ")).run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.stdout()).startsWith("Usage: ").contains(job);
    }

    /** No model is loaded for these, and what was there stays. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"'' | there are no prompts in FILE: give one a line",
            "'\n \n' | there are no prompts in FILE: give one a line",
            "'{\"prompt\": 1}\n{\"prompt\": ' | FILE has no row that is a prompt, of 2 rows; the first: "
                    + "line 1: prompt must be a string, not 1"})
    void prompts_noneOfThemGood_endTheJobBeforeTheModelIsLoaded(String content, String sentence) throws IOException {
        Path prompts = Files.writeString(directory.resolve("p.jsonl"), content);
        Path output = Files.writeString(directory.resolve("out.jsonl"), OLD);
        Launched.Result result = Launched.mpjrun("-np", "2", "generate", "--prompts", prompts.toString(), "--output",
                output.toString(), "--model", "/nowhere").run();
        assertThat(result.stderr()).isEqualTo("generate: " + sentence.replace("FILE", prompts.toString()) + "\n");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(output).hasContent(OLD);
    }

    @Test
    void output_whereNothingCanBeMade_isSaidWithTheReason() {
        Launched.Result result = Launched.mpjrun("generate", "--output", "/proc/o.jsonl").run();
        assertThat(result.stderr())
                .isEqualTo("generate: --output /proc/o.jsonl cannot be written: no file can be made in /proc\n");
        assertThat(result.exitCode()).isEqualTo(2);
    }

    @Test
    void generate_saysWhatItDoesAndWhereTheResultsAre() throws IOException {
        Path prompts = Files.writeString(directory.resolve("p.txt"), "In the beginning\nAnd it came to pass\n");
        Path output = directory.resolve("out.jsonl");
        String[] words = {"-np", "2", "generate", "--prompts", prompts.toString(), "--output", output.toString(),
                "--max-new-tokens", "4", "--report"};
        Launched.Result result = Launched.mpjrun(words).run();
        assertThat(result.exitCode()).isZero();
        assertThat(result.stderr().lines().filter(line -> !line.startsWith("mpjrun: "))).as("without progress")
                .containsExactly("generate: loading " + Launched.HOME + "/examples/models/kjv-6m on 2 ranks (cpu)",
                        "generate: 2 results in " + output + ", the report in " + directory.resolve("out.html"));
        assertThat(directory.resolve("out.html")).isNotEmptyFile();
        String[] quiet = new String[words.length + 1];
        System.arraycopy(words, 0, quiet, 1, words.length);
        quiet[0] = "-q";
        assertThat(Launched.mpjrun(quiet).run().stderr()).isEmpty();
    }

    /** The trace, of which the program's author needs one line, is there on request. */
    @Test
    void program_thatIsToldWhatIsWrong_isToldInOneSentence() throws IOException {
        Path program = Files.writeString(directory.resolve("Unreadable.java"), """
                import dev.lockstep.world.World;

                public class Unreadable {
                    static class Hidden {}

                    public static void main(String[] args) {
                        try (World world = World.init(args)) {
                            world.gather(new Hidden(), Hidden.class);
                        }
                    }
                }
                """);
        Launched.Result result = Launched.mpjrun(program.toString()).run();
        assertThat(result.stderr())
                .matches("mpjrun: rank 0 on host \\S+ failed first: Unreadable\\$Hidden cannot be sent "
                        + "as JSON: it has no getters and no public fields: make it a record \\(at Unreadable.main, "
                        + "Unreadable.java line 8\\)\n");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(Launched.mpjrun("-v", program.toString()).run().stderr())
                .contains("\tat Unreadable.main(Unreadable.java:8)\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"test.sh", "bundle.sh", "rank.sh"})
    void help_ofEveryScript_isPrintedAtOnce(String script) {
        Cluster.Result result = Cluster.run(Launched.HOME.resolve("launch").resolve(script).toString(), "--help");
        assertThat(result.exitCode()).isZero();
        assertThat(result.output()).contains("launch/").doesNotContain("#", "set -euo");
    }
}
