package dev.lockstep.batch;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.decoder.Acceleration;
import dev.lockstep.generate.TokenRules;
import dev.lockstep.host.UsageException;
import dev.lockstep.prompts.SamplingOverrides;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GenerateOptionsTest {
    @TempDir
    Path dir;

    @Test
    void parse_nothing_givesTheShippedExample() {
        var options = GenerateOptions.parse();
        assertThat(Path.of(options.model())).isDirectory().endsWith(Path.of("examples/models/kjv-6m"));
        assertThat(Path.of(options.prompts())).isRegularFile().endsWith(Path.of("examples/first-lines.jsonl"));
        assertThat(options.output()).isEqualTo("results.jsonl");
        assertThat(options.report()).isEmpty();
        assertThat(options.batchSize()).isEmpty();
        assertThat(options.numSamples()).isEqualTo(1);
        assertThat(options.dtype()).isEmpty();
        assertThat(options.addSpecialTokens()).isTrue();
        assertThat(options.helpRequested()).isFalse();
        assertThat(options.sampling()).isEqualTo(SamplingOverrides.NONE);
    }

    @Test
    void parse_everything_givesIt() {
        var options = GenerateOptions.parse("--model", "m", "--prompts", "-", "--output", "-", "--max-new-tokens", "7",
                "--min-new-tokens=2", "--batch-size", "8", "--temperature", "0.5", "--top-k", "3", "--top-p", "0.9",
                "--min-p", "0.1", "--repetition-penalty", "1.2", "--presence-penalty", "-0.5",
                "--frequency-penalty", "1.5", "--seed", "-5", "--num-samples", "4", "--logprobs", "5", "--stop", "@end",
                "--stop", "---", "--eos-token-id", "1", "--eos-token-id", "2", "--ignore-eos", "--no-special-tokens",
                "--dtype", "bfloat16", "--report", "r.json");
        assertThat(options.model()).isEqualTo("m");
        assertThat(options.prompts()).isEqualTo("-");
        assertThat(options.output()).isEqualTo("-");
        assertThat(options.report()).contains("r.json");
        assertThat(options.batchSize()).hasValue(8);
        assertThat(options.numSamples()).isEqualTo(4);
        assertThat(options.dtype()).contains("bfloat16");
        assertThat(options.addSpecialTokens()).isFalse();
        assertThat(options.sampling())
                .isEqualTo(new SamplingOverrides(null, 0.5, 3, 0.9, 0.1, 1.2, -0.5, 1.5, -5L, 7, 2, true,
                        List.of(1, 2), null, List.of("@end", "---"), 5, null, TokenRules.NONE));
    }

    @Test
    void parse_lora_isAListWithCommasOrByRepetition() {
        assertThat(GenerateOptions.parse().adapters()).isEmpty();
        assertThat(GenerateOptions.parse("--lora", "a,org/name@v1").adapters()).containsExactly("a", "org/name@v1");
        assertThat(GenerateOptions.parse("--lora=b", "--lora", "a", "--enable-lora").adapters()).containsExactly("b",
                "a");
        assertThat(GenerateOptions.parse("--help").usage()).contains("--lora=DIR|NAME[,DIR|NAME...]");
        for (String value : List.of("", ",a", "a,,b")) {
            assertThatThrownBy(() -> GenerateOptions.parse("--lora", value)).isInstanceOf(UsageException.class)
                    .hasMessage("--lora needs a name, not an empty string");
        }
        assertThatThrownBy(() -> GenerateOptions.parse("--lora-modules", "x=y")).isInstanceOf(UsageException.class)
                .hasMessage("--lora-modules: name the adapter's directory alone, as in --lora DIR: it is for all rows");
    }

    @Test
    void parse_examplesNowhere_asksForTheOption() {
        var home = System.clearProperty("lockstep.home");
        try {
            assertThatThrownBy(() -> GenerateOptions.parse("--prompts", "p.jsonl")).isInstanceOf(UsageException.class)
                    .hasMessageStartingWith("--model must be given");
            assertThat(GenerateOptions.parse("--prompts", "p.jsonl", "--model", "m").prompts()).isEqualTo("p.jsonl");
        } finally {
            System.setProperty("lockstep.home", home);
        }
    }

    @Test
    void parse_splitAndResume_areDynamicAndAnew() {
        assertThat(GenerateOptions.parse().inBlocks()).isFalse();
        assertThat(GenerateOptions.parse("--split", "dynamic").inBlocks()).isFalse();
        assertThat(GenerateOptions.parse("--split", "block").inBlocks()).isTrue();
        assertThat(GenerateOptions.parse().resume()).isFalse();
        assertThat(GenerateOptions.parse("--resume").resume()).isTrue();
    }

    @Test
    void parse_kernelsAndQuantize_areWhatAGpuMayUse() {
        assertThat(GenerateOptions.parse().acceleration()).isEqualTo(Acceleration.FULL);
        assertThat(GenerateOptions.parse("--kernels", "off", "--quantize", "fp8").acceleration())
                .isEqualTo(new Acceleration(true, false, Acceleration.Weights.FP8));
    }

    @ParameterizedTest
    @CsvSource({"bf16, bfloat16", "half, float16", "fp16, float16", "float, float32", "fp32, float32"})
    void parse_typesByTheirShortNames_areTheTypes(String typed, String dtype) {
        assertThat(GenerateOptions.parse("--dtype", typed).dtype()).hasValue(dtype);
    }

    @Test
    void parse_reportWithoutAName_isBesideTheResults() {
        assertThat(GenerateOptions.parse("--report", "--output", "a.b/out.jsonl").report()).hasValue("a.b/out.html");
        assertThat(GenerateOptions.parse("--output", "a.b/out", "--report").report()).hasValue("a.b/out.html");
        assertThat(GenerateOptions.parse("--report", "r.json").report()).hasValue("r.json");
    }

    @Test
    void parse_oneByOne_isBatchSizeOne() {
        assertThat(GenerateOptions.parse("--one-by-one").batchSize()).hasValue(1);
        assertThat(GenerateOptions.parse("--one-by-one", "--batch-size", "1").batchSize()).hasValue(1);
        assertThat(GenerateOptions.parse("--batch-size", "auto").batchSize()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --tempertature 1            | --tempertature is not an option of generate; did you mean --temperature?
            --temp=1                    | --temp is not an option of generate; did you mean --temperature?
            --max_new_token 4           | --max_new_token is not an option of generate; did you mean --max-new-tokens?
            --modle x                   | --modle is not an option of generate; did you mean --model?
            --beams 4                   | --beams is not an option of generate; see generate --help
            --resume=yes                | --resume takes no value, not yes
            --split round               | --split must be dynamic or block, not round
            --speculate eagle           | --speculate must be none or ngram, not eagle
            --kernels maybe             | --kernels must be on or off, not maybe
            --quantize int3             | --quantize must be none, fp8 or int4, not int3; a checkpoint that is quantized already needs none of them
            --logprobs 21               | --logprobs must be from 0 to 20, not 21
            --logprobs -1               | --logprobs must be from 0 to 20, not -1
            --presence-penalty 2.1      | --presence-penalty must be from -2 to 2, not 2.1
            --presence-penalty NaN      | --presence-penalty must be from -2 to 2, not NaN
            --frequency-penalty -3      | --frequency-penalty must be from -2 to 2, not -3.0
            -x                          | -x is not an option of generate; see generate --help
            p.txt                       | generate takes options only, so it does not know what to do with p.txt; prompts are given with --prompts
            --model                     | '--model needs a value: --model DIR|NAME'
            --top-k --greedy            | --top-k needs a value: --top-k K
            --seed 1 --seed 2           | --seed is given more than once; give it once
            --top-k many                | --top-k takes a whole number of 32 bits, not many
            --top-k 2.5                 | --top-k takes a whole number of 32 bits, not 2.5
            --num-samples 99999999999   | --num-samples takes a whole number of 32 bits, not 99999999999
            --eos-token-id end          | --eos-token-id takes a whole number of 32 bits, not end
            --seed x                    | --seed takes a whole number of 64 bits, not x
            --top-p much                | --top-p takes a number, not much
            --greedy=maybe              | --greedy takes no value, not maybe
            --one-by-one=maybe          | --one-by-one takes no value, not maybe
            --temperature -1            | --temperature must be 0 (greedy) or more, not -1.0
            --temperature NaN           | --temperature must be 0 (greedy) or more, not NaN
            --temperature Infinity      | --temperature must be 0 (greedy) or more, not Infinity
            --top-k -1                  | --top-k must be 0 (all tokens) or more, not -1
            --top-p 0                   | --top-p must be above 0 and at most 1, not 0.0
            --top-p 1.1                 | --top-p must be above 0 and at most 1, not 1.1
            --min-p -0.1                | --min-p must be from 0 to 1, not -0.1
            --min-p 1.5                 | --min-p must be from 0 to 1, not 1.5
            --repetition-penalty 0      | --repetition-penalty must be from 1e-20 to 1e20, not 0.0
            --max-new-tokens 0          | --max-new-tokens must be 1 or more, not 0
            --min-new-tokens -1         | --min-new-tokens must be 0 or more, not -1
            --min-new-tokens 101        | --min-new-tokens must be at most --max-new-tokens, which is 100, not 101
            --max-new-tokens 3 --min-new-tokens 4 | --min-new-tokens must be at most --max-new-tokens, which is 3, not 4
            --eos-token-id -1           | --eos-token-id must be 0 or more, not -1
            --stop=                     | --stop must not be an empty string
            --greedy=false --temperature 0 | --greedy must not be false where temperature is 0
            --num-samples 0             | --num-samples must be from 1 to 10000, not 0
            --num-samples 10001         | --num-samples must be from 1 to 10000, not 10001
            --score --num-samples 2     | --num-samples and --score exclude each other: each text is scored once
            --batch-size 0              | --batch-size must be auto or a whole number of 1 or more, not 0
            --batch-size big            | --batch-size must be auto or a whole number of 1 or more, not big
            --one-by-one --batch-size 2 | --one-by-one is --batch-size 1, so leave out --batch-size 2
            --one-by-one --batch-size auto | --one-by-one is --batch-size 1, so leave out --batch-size auto
            --dtype int8                | --dtype must be auto, float32, bfloat16 or float16, not int8
            --report r.txt              | --report must end in .json or .html, not r.txt
            --manifest m.txt            | --manifest must end in .json, not m.txt
            --manifest m.json --output - | --manifest describes results in a file: give --output F as well
            --file-mode 888             | --file-mode must be three octal digits such as 644, not 888
            --file-mode rw-r--r--       | --file-mode must be three octal digits such as 644, not rw-r--r--
            --file-mode 4755            | --file-mode must be three octal digits such as 644, not 4755
            --gpu-memory-utilization 1.1 | --gpu-memory-utilization must be above 0 and at most 1, not 1.1
            --gpu-memory-utilization 0  | --gpu-memory-utilization must be above 0 and at most 1, not 0.0
            --graph maybe               | --graph must be on or off, not maybe
            --num-beams 4               | --num-beams: there is no beam search; --num-samples N gives N samples of each row
            --output - --report         | --report needs a name where the results go to stdout: --report F.html
            --model=                    | --model needs a name, not an empty string
            --prompts=                  | --prompts needs a name, not an empty string
            --output=                   | --output needs a name, not an empty string
            """)
    void parse_wrong_saysInOneSentence(String args, String sentence) {
        assertThatThrownBy(() -> GenerateOptions.parse(args.split(" "))).isInstanceOf(UsageException.class)
                .hasMessage(sentence);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-h", "--help"})
    void parse_help_asksForItWithoutJudgingTheRest(String help) {
        assertThat(GenerateOptions.parse(help, "--top-p", "7").helpRequested()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--model", "--prompts", "--output", "--max-new-tokens", "--min-new-tokens", "--batch-size",
            "--greedy", "--temperature", "--top-k", "--top-p", "--min-p", "--repetition-penalty", "--presence-penalty",
            "--frequency-penalty", "--seed", "--num-samples", "--stop", "--eos-token-id", "--ignore-eos",
            "--no-special-tokens", "--logprobs", "--json-schema", "--score", "--dtype",
            "--one-by-one", "--split", "--resume", "--report", "--manifest", "--file-mode"})
    void usage_always_namesEveryOption(String option) {
        assertThat(GenerateOptions.parse("--help").usage()).containsPattern("(?m)^ +(-h, )?" + option + "\\b")
                .endsWith("\n");
    }

    @Test
    void checkTargets_schemaThatIsNotDone_isSaid() throws Exception {
        Path schema = Files.writeString(dir.resolve("s.json"), "{\"type\":\"array\",\"contains\":{}}");
        var options = GenerateOptions.parse("--json-schema", schema.toString());
        assertThatThrownBy(options::checkTargets).isInstanceOf(UsageException.class).hasMessage("--json-schema "
                + schema + " has the keyword \"contains\", which is not supported there");
        Files.delete(schema);
        assertThatThrownBy(() -> GenerateOptions.parse("--json-schema", schema.toString()))
                .hasMessage("--json-schema " + schema + " cannot be read: there is no such file or directory");
    }

    @Test
    void checkTargets_placesThatCanBeWritten_pass() throws Exception {
        var existing = Files.writeString(dir.resolve("old.jsonl"), "old");
        for (var target : List.of(dir.resolve("new.jsonl").toString(), existing.toString(), "/dev/null", "-")) {
            var options = GenerateOptions.parse("--output", target, "--report", dir.resolve("r.json").toString());
            assertThatCode(options::checkTargets).doesNotThrowAnyException();
        }
        assertThat(dir.resolve("new.jsonl")).doesNotExist();
        assertThat(existing).hasContent("old");
    }

    @Test
    void checkTargets_placesThatCannot_areNamed() throws Exception {
        var prompts = Files.writeString(dir.resolve("p.jsonl"), "").toString();
        var link = Files.createSymbolicLink(dir.resolve("link.jsonl"), Path.of(prompts)).toString();
        var missing = dir.resolve("no/such/r.json").toString();
        assertRefused("--output " + dir + " is a directory; name a file in it", "--output", dir.toString());
        assertRefused("--output " + missing + ": there is no directory " + dir.resolve("no/such") + "; create it first",
                "--output", missing);
        assertRefused("--report " + missing + ": there is no directory " + dir.resolve("no/such") + "; create it first",
                "--report", missing);
        assertRefused("--output " + prompts + " would replace the prompts; name another file", "--prompts", prompts,
                "--output", prompts);
        assertRefused("--output " + link + " would replace the prompts; name another file", "--prompts", prompts,
                "--output", link);
        var both = dir.resolve("r.json").toString();
        assertRefused("--report " + both + " would replace the results; name another file", "--output", both,
                "--report", both);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--model", "--prompts", "--output", "--report"})
    void parse_nameThatNoFileHas_isRefused(String option) {
        for (String name : List.of("a\0b.json", "half \ud800.json")) {
            assertThatThrownBy(() -> GenerateOptions.parse(option, name)).isInstanceOf(UsageException.class)
                    .hasMessage(option + " " + (name.startsWith("a") ? "a\\u0000b.json" : "half \\ud800.json")
                            + " cannot be the name of a file here: it has a character that is not allowed or that the"
                            + " locale's encoding lacks");
        }
    }

    @Test
    void sentence_namesWithControlCharacters_areEscaped() {
        assertThat(new UsageException("--prompts \u001b[31m\n.jsonl: there is no such file"))
                .hasMessage("--prompts \\u001b[31m .jsonl: there is no such file");
    }

    @Test
    void checkTargets_filesThatWouldReplaceEachOther_areNamed() throws Exception {
        var prompts = Files.writeString(dir.resolve("p.json"), "[]").toString();
        var both = dir.resolve("b.json").toString();
        for (var option : List.of("--report", "--manifest")) {
            assertRefused(option + " " + prompts + " would replace the prompts; name another file", "--prompts",
                    prompts, "--output", both, option, prompts);
            assertRefused(option + " " + both + " would replace the results; name another file", "--output", both,
                    option, both);
        }
        assertRefused("--manifest " + both + " would replace the report; name another file", "--report", both,
                "--manifest", both);
    }

    @ParameterizedTest
    @CsvSource({"644, rw-r--r--", "0640, rw-r-----", "777, rwxrwxrwx", "000, ---------", "421, r---w---x"})
    void fileMode_digits_areThoseOfChmod(String mode, String letters) {
        assertThat(GenerateOptions.parse("--file-mode", mode).fileMode().map(PosixFilePermissions::toString))
                .contains(letters);
        assertThat(GenerateOptions.parse().fileMode()).isEmpty();
    }

    private static void assertRefused(String sentence, String... args) {
        var options = GenerateOptions.parse(args);
        assertThatThrownBy(options::checkTargets).isInstanceOf(UsageException.class).hasMessage(sentence);
    }
}
