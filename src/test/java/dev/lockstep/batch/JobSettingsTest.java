package dev.lockstep.batch;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.report.Report;
import dev.lockstep.report.Summary;
import dev.lockstep.results.Tally;

import static org.assertj.core.api.Assertions.assertThat;

/** What a report's page and a manifest say that the job was told. */
class JobSettingsTest {
    private static Report report() {
        return Report.of(new Summary(10, 1, 1), new Tally(), 16, "bfloat16", "cuda", "/models/Qwen3-8B", 1.9,
                1, 0, List.of(), List.of());
    }

    @Test
    void settings_onAGpu_sayWhatChangesTheText() {
        GenerateOptions options = GenerateOptions.parse("--quantize", "fp8", "--kernels", "off");
        Report report = report();
        assertThat(JobSettings.of(report, options, SamplingOverrides.NONE))
                .containsEntry("computed in", "bfloat16")
                .containsEntry("acceleration", "graphs on, kernels off, fp8 weights");
    }

    @Test
    void settings_withAdapters_nameThem() {
        assertThat(JobSettings.of(report(), GenerateOptions.parse(), SamplingOverrides.NONE))
                .doesNotContainKey("adapters");
        assertThat(JobSettings.of(report(), GenerateOptions.parse("--lora", "a,b"), SamplingOverrides.NONE))
                .containsEntry("adapters", List.of("a", "b"));
    }

    @Test
    void settings_areWhatTheJobWasTold() {
        Map<String, Object> settings = JobSettings.of(report(), GenerateOptions.parse("--greedy",
                "--stop", "x", "--max-new-tokens", "7", "--split", "block"), SamplingOverrides.NONE);
        assertThat(settings).containsEntry("split", "block").containsEntry("greedy", true)
                .containsEntry("max new tokens", 7).containsEntry("stop", List.of("x"))
                .containsEntry("eos token ids", "none").containsEntry("logprobs", "none")
                .containsEntry("rows at a time on each rank", 16).containsEntry("prompts",
                        Path.of(System.getProperty("lockstep.home"), "examples/first-lines.jsonl").toString());
    }
}
