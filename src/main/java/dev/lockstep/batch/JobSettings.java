package dev.lockstep.batch;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.json.Json;
import dev.lockstep.model.DType;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.report.Report;

/** What a job was told, by name, for people to read beside its results. */
public final class JobSettings {
    private JobSettings() {}

    /** What the job was to do, as far as samples do not say otherwise. */
    static Map<String, Object> of(Report report, GenerateOptions options, SamplingOverrides defaults) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("model", report.model());
        if (!options.adapters().isEmpty()) {
            settings.put("adapters", options.adapters());
        }
        settings.put("prompts", options.prompts());
        settings.put("output", options.output());
        settings.put("samples per prompt", options.score()
                ? "each text is scored"
                : options.embed().isPresent() ? "each prompt is embedded" : options.numSamples());
        settings.put("ranks", report.worldSize());
        if (report.tensorParallel() > 1) {
            settings.put("ranks that compute the model together", report.tensorParallel());
        }
        settings.put("rows at a time on each rank", report.batchSize());
        settings.put("split", options.inBlocks() ? "block" : "dynamic");
        settings.put("device", report.device());
        settings.put("computed in", report.dtype());
        if (!report.device().equals("cpu")) {
            settings.put("acceleration", AccelerationOptions.name(options.acceleration()));
        }
        settings.put("resumed", options.resume());
        if (report.restarts() > 0) {
            settings.put("started again", report.restarts() + " times");
            settings.put("because", report.deaths());
        }
        options.embed().ifPresent(pooling -> settings.put("pooling", pooling));
        try {
            SamplingParams sampling = SamplingOverrides.resolve(SamplingOverrides.NONE, options.sampling(), defaults);
            Json.MAPPER.convertValue(sampling, new TypeReference<Map<String, Object>>() {
            }).forEach((name, value) -> settings.put(name.replaceAll("([A-Z])", " $1").toLowerCase(Locale.ROOT),
                    value.equals(-1) || value.equals(List.of()) ? "none" : value));
        } catch (IllegalArgumentException e) {
            settings.put("sampling", "as the rows say; without them " + e.getMessage());
        }
        settings.put("Java", System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
        settings.put("finished", ZonedDateTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS)
                .format(DateTimeFormatter.ISO_OFFSET_DATE_TIME));
        return settings;
    }

    /** All that the command line says about which tokens are chosen, in one line that two runs can be compared by. */
    public static String sampling(GenerateOptions options) throws JsonProcessingException {
        return Json.MAPPER.writeValueAsString(options.sampling()) + " samples " + options.numSamples()
                + (options.score() ? " scored" : "")
                + options.embed().map(pooling -> " embedded " + pooling + options.normalize().orElse(null)
                        + (options.dimensions() == 0 ? "" : " of " + options.dimensions())).orElse("")
                + (options.addSpecialTokens() ? "" : " without special tokens")
                + (options.ignoredDefaults().isEmpty() ? "" : " without " + options.ignoredDefaults());
    }

    /** What the model computes in and how its weights are kept, likewise. */
    public static String computing(GenerateOptions options, DType dtype, Checkpoint checkpoint) {
        String weights = switch (options.acceleration().weights()) {
            case FP8 -> " with fp8 weights";
            case INT4 -> " with int4 weights";
            case WIDE -> checkpoint.isFp8ByRow() ? " without fp8 weights" : "";
            case AS_STORED -> "";
        };
        return dtype + weights + (options.acceleration().fp8Kv() ? " with fp8 keys and values" : "");
    }
}
