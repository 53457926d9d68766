package dev.lockstep.batch;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

import dev.lockstep.checkpoint.GenerationField;
import dev.lockstep.cli.AccelerationOptions;
import dev.lockstep.cli.CommandLineErrors;
import dev.lockstep.cli.DraftingOptions;
import dev.lockstep.cli.ForeignOptions;
import dev.lockstep.decoder.Acceleration;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.replica.Team;
import dev.lockstep.results.ResultFile;

/** The command lines of {@code generate} and {@code embed}. Reads no file, so every rank may parse them. */
@Command(name = "generate", sortOptions = false, usageHelpWidth = 100, synopsisHeading = "Usage: mpjrun.sh [-np N] ", customSynopsis = "generate [options]", description = {
        "", "Generates text for every prompt, the prompts split over the ranks.", ""}, footer = {"",
                "When a rank dies: mpjrun.sh --max-restarts R generate starts the ranks again, at most R times (0),",
                "and they go on with what is not done; 12 are enough to find a row that kills its rank.", "",
                "Exit codes: 0 all rows done; 2 wrong usage or input; 3 some rows failed (see their \"error\")."})
public final class GenerateOptions {
    static final String GENERATE = "generate";
    static final String EMBED = "embed";
    private static final String POOLING = "--pooling";
    private static final String NORMALIZE = "--normalize";
    private static final String DIMENSIONS = "--dimensions";
    /** Options of {@value #GENERATE} alone, beside those of sampling. */
    private static final List<String> OF_TEXTS = List.of("--num-samples", "--score", "--ignore-generation-config",
            "--tensor-parallel", "--speculate");

    /** Types by the names that people have for them. */
    private static final Map<String, String> DTYPES = Map.of("auto", "auto", "float32", "float32", "float", "float32",
            "fp32", "float32", "bfloat16", "bfloat16", "bf16", "bfloat16", "float16", "float16", "half", "float16",
            "fp16", "float16");

    @Option(names = "--model", paramLabel = "DIR|NAME", description = "Hugging Face checkpoint: a directory, or org/name[@revision], which is downloaded into the hub's cache (examples/models/kjv-6m).")
    private String model;

    @Option(names = "--lora", split = ",", paramLabel = "DIR|NAME", description = "LoRA adapters as PEFT saves them, which are added to the model's weights: directories or names on the hub, several with commas between them.")
    private List<String> adapters = List.of();

    @Option(names = "--prompts", paramLabel = "F", description = "Prompts: .jsonl (prompt or messages, or OpenAI batch lines), .txt (one per line), .json (array), .csv or .tsv (columns named in the first line) or - for stdin as JSON lines (examples/first-lines.jsonl).")
    private String prompts;

    @Option(names = "--output", paramLabel = "F", description = "Results as JSON lines in input order; .json: one pretty array; .csv, .tsv: a table; .npy, .safetensors: of embeddings, a matrix of float32; -: stdout (results.jsonl).")
    private String output = "results.jsonl";

    @Option(names = "--batch-size", paramLabel = "N|auto", description = "Rows that a rank has under way at once (auto).")
    private String batchSizeText;

    @Option(names = "--one-by-one", description = "The same as --batch-size 1.")
    private boolean oneByOne;

    @Option(names = "--num-samples", paramLabel = "N", description = "Completions of each row that does not say how many itself, at most 10,000 (1).")
    private int numSamples = 1;

    @Option(names = "--score", description = "Generate nothing: find out how likely the model holds each row's \"completion\", or each of its \"choices\", after the prompt.")
    private boolean score;

    @Option(names = POOLING, paramLabel = "auto|last|mean|cls", description = "What of the tokens' hidden states makes the embedding: the last one, the mean of all, or the first; auto: as the checkpoint says, else last (auto).")
    private String pooling = "auto";

    @Option(names = NORMALIZE, paramLabel = "on|off", description = "Divide embeddings by their length (as the checkpoint says, else on).")
    private String normalize;

    @Option(names = DIMENSIONS, paramLabel = "N", description = "Of each embedding the first N dimensions, for models that were trained so that these suffice (all).")
    private Integer dimensions;

    @Option(names = "--ignore-generation-config", paramLabel = "FIELD", description = "Go on without a field of the checkpoint's generation_config.json; repeatable.")
    private List<String> ignoredDefaults = List.of();

    @Option(names = "--no-special-tokens", description = "Do not add the tokenizer's special tokens to the prompt.")
    private boolean noSpecialTokens;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "auto, float32, bfloat16 or float16; auto: the checkpoint's on CUDA, float32 on CPU (auto).")
    private String dtype = "auto";

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private AccelerationOptions acceleration;

    @Option(names = "--tensor-parallel", paramLabel = "T", description = "So many neighbouring ranks compute the model together, each with a part of its weights; -np is a multiple of it (1).")
    private int tensorParallel = 1;

    @Mixin
    private DraftingOptions drafting;

    @Option(names = "--gpu-memory-utilization", paramLabel = "F", description = "The part of a GPU's memory that --batch-size auto plans with, above 0 and at most 1 (1).")
    private double gpuMemoryUtilization = 1;

    @Option(names = "--split", paramLabel = "dynamic|block", description = "dynamic: a rank takes more rows when it has room for them, those that begin alike together; block: the same number of prompts for each (dynamic).")
    private String split = "dynamic";

    @Option(names = "--resume", description = "Keep what an earlier run of the same job, with any number of ranks, had finished.")
    private boolean resume;

    @Option(names = "--report", arity = "0..1", fallbackValue = "", paramLabel = "F.json|F.html", description = "Write what was measured, for programs or as a page to look at (without a name: a page beside the results).")
    private String report;

    @Option(names = "--manifest", paramLabel = "F.json", description = "Write what the results were made of and with: SHA-256 of the model's files, prompts and results, options, versions.")
    private String manifest;

    @Option(names = "--file-mode", paramLabel = "MODE", description = "Who may read results, report and manifest, as for chmod, such as 644 (600, or as the file is that is replaced).")
    private String fileMode;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this and exit.")
    private boolean helpRequested;

    private String job = GENERATE;
    private SamplingOverrides overrides = SamplingOverrides.NONE;
    private OptionalInt batchSize = OptionalInt.empty();

    private GenerateOptions() {}

    /**
     * Of the job {@code generate}.
     *
     * @throws UsageException naming the option and what to do
     */
    public static GenerateOptions parse(String... args) {
        return ofJob(GENERATE, args);
    }

    /**
     * @param job {@value #GENERATE} or {@value #EMBED}
     * @throws UsageException naming the option and what to do
     */
    static GenerateOptions ofJob(String job, String... args) {
        var options = new GenerateOptions();
        options.job = job;
        var line = commandLine(options);
        CommandLineErrors.parse(line,
                ForeignOptions.translate(job, line, List.of(args), true).args().toArray(String[]::new));
        if (!options.helpRequested) {
            options.validate();
        }
        return options;
    }

    /** Whether {@code --help} was given: print {@link #usage} on the root and leave with 0; nothing else is filled in. */
    public boolean helpRequested() {
        return helpRequested;
    }

    /** The text of {@code --help}, ending in a line break. */
    public String usage() {
        return commandLine(job).getUsageMessage(CommandLine.Help.Ansi.OFF);
    }

    /** What the job is called. */
    public String job() {
        return job;
    }

    /** The checkpoint's directory, which may not exist, or its name on the hub. */
    public String model() {
        return model;
    }

    /** Directories of LoRA adapters or their names on the hub, in the order that they are added; empty for the model alone. */
    public List<String> adapters() {
        return List.copyOf(adapters);
    }

    /** A file, or {@code -} for stdin. */
    public String prompts() {
        return prompts;
    }

    /** A file, or {@code -} for stdout. */
    public String output() {
        return output;
    }

    /** Where the report goes, a {@code .json} or {@code .html} file. */
    public Optional<String> report() {
        return Optional.ofNullable(report);
    }

    /** Where the manifest goes, a {@code .json} file. */
    public Optional<String> manifest() {
        return Optional.ofNullable(manifest);
    }

    /** The mode of what is written, as {@code rw-r--r--}; empty where nobody asks for one. */
    public Optional<Set<PosixFilePermission>> fileMode() {
        return Optional.ofNullable(fileMode).map(mode -> {
            EnumSet<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
            int bits = Integer.parseInt(mode, 8);
            for (PosixFilePermission permission : PosixFilePermission.values()) {
                // owner's read is the first of nine, others' execute the last
                if ((bits >> 8 - permission.ordinal() & 1) == 1) {
                    permissions.add(permission);
                }
            }
            return permissions;
        });
    }

    /** Rows under way at once; empty where the job is to choose. */
    public OptionalInt batchSize() {
        return batchSize;
    }

    /** Completions of a row that does not say how many, at least 1. */
    public int numSamples() {
        return numSamples;
    }

    /** Whether texts of the rows are scored, and none generated. */
    public boolean score() {
        return score;
    }

    /** {@code auto}, {@code last}, {@code mean} or {@code cls} where prompts are embedded, and no text is generated. */
    public Optional<String> embed() {
        return job.equals(EMBED) ? Optional.of(pooling) : Optional.empty();
    }

    /** Whether embeddings are divided by their length; empty where the checkpoint is to say. */
    public Optional<Boolean> normalize() {
        return Optional.ofNullable(normalize).map("on"::equals);
    }

    /** Of each embedding; 0 for all. */
    public int dimensions() {
        return dimensions == null ? 0 : dimensions;
    }

    /** Whether the tokenizer adds its special tokens to a prompt. */
    public boolean addSpecialTokens() {
        return !noSpecialTokens;
    }

    /** Ranks that compute the model together, at least 1. */
    public int tensorParallel() {
        return tensorParallel;
    }

    /** Whether tokens are drafted. */
    public boolean speculates() {
        return drafting.speculates();
    }

    /** The part of a GPU's memory that an automatic batch size plans with, above 0 and at most 1. */
    public double gpuMemoryUtilization() {
        return gpuMemoryUtilization;
    }

    /** What steps may use on a GPU. */
    public Acceleration acceleration() {
        return acceleration.acceleration();
    }

    /** {@code float32}, {@code bfloat16} or {@code float16}; empty for auto. */
    public Optional<String> dtype() {
        return dtype.equals("auto") ? Optional.empty() : Optional.of(dtype);
    }

    /** Whether the prompts are split beforehand rather than dealt on demand. */
    public boolean inBlocks() {
        return split.equals("block");
    }

    /** Whether results of an earlier run are kept. */
    public boolean resume() {
        return resume;
    }

    /** Fields of the checkpoint's {@code generation_config.json} that are not to count, in the order of their names. */
    public List<String> ignoredDefaults() {
        return ignoredDefaults.stream().distinct().sorted().toList();
    }

    /** What the command line says about sampling and lengths. */
    public SamplingOverrides sampling() {
        return overrides;
    }

    /**
     * To be called on the root, whose files these are, before anything else runs: nobody wants to hear after an hour that
     * the results have no place to go, or that the schema of the texts is none.
     *
     * @throws UsageException when {@code --output} {@code --report} or {@code --manifest} could not be written, or would
     *                        replace the prompts or each other, or when {@code --json-schema} asks for what is not supported
     */
    public void checkTargets() {
        sampling.checkSchema(overrides);
        if (!output.equals("-")) {
            AtomicFile.check("--output", output);
            if (!prompts().equals("-") && sameFile(output, prompts())) {
                throw new UsageException("--output " + output + " would replace the prompts; name another file");
            }
        }
        checkBeside("--report", report);
        checkBeside("--manifest", manifest);
        if (report != null && manifest != null && sameFile(manifest, report)) {
            throw new UsageException("--manifest " + manifest + " would replace the report; name another file");
        }
    }

    /** What is written beside the results, or null. */
    private void checkBeside(String option, String file) {
        if (file != null) {
            AtomicFile.check(option, file);
            if (sameFile(file, output)) {
                throw new UsageException(option + " " + file + " would replace the results; name another file");
            }
            if (!prompts().equals("-") && sameFile(file, prompts())) {
                throw new UsageException(option + " " + file + " would replace the prompts; name another file");
            }
        }
    }

    private void validate() {
        for (var option : new String[][]{{"--model", model}, {"--prompts", prompts}, {"--output", output}}) {
            if ("".equals(option[1])) {
                throw new UsageException(option[0] + " needs a name, not an empty string");
            }
        }
        for (var option : new String[][]{{"--model", model}, {"--prompts", prompts}, {"--output", output},
                {"--report", report}}) {
            if (option[1] != null) {
                FileName.of(option[0], option[1]);
            }
        }
        if (ResultFile.isMatrix(output) && !job.equals(EMBED)) {
            throw new UsageException(
                    "--output " + output + ": a " + output.substring(output.lastIndexOf('.'))
                            + " file holds embeddings, which the job embed writes");
        }
        for (var adapter : adapters) {
            if (adapter.isEmpty()) {
                throw new UsageException("--lora needs a name, not an empty string");
            }
            FileName.of("--lora", adapter);
        }
        if ("".equals(report)) {
            report = besideOutput();
        }
        if (model == null) {
            model = shipped("--model", "examples/models/kjv-6m");
        }
        if (prompts == null) {
            prompts = shipped("--prompts", "examples/first-lines.jsonl");
        }
        if (numSamples < 1 || numSamples > Prompt.MOST_SAMPLES) {
            throw new UsageException("--num-samples must be from 1 to " + Prompt.MOST_SAMPLES + ", not " + numSamples);
        }
        if (score && numSamples > 1) {
            throw new UsageException("--num-samples and --score exclude each other: each text is scored once");
        }
        if (!List.of("auto", "last", "mean", "cls").contains(pooling)) {
            throw new UsageException(POOLING + " must be auto, last, mean or cls, not " + pooling);
        }
        if (dimensions != null && dimensions < 1) {
            throw new UsageException(DIMENSIONS + " must be 1 or more, not " + dimensions);
        }
        if (normalize != null && !List.of("on", "off").contains(normalize)) {
            throw new UsageException(NORMALIZE + " must be on or off, not " + normalize);
        }
        acceleration(); // says what is wrong with them
        Team.check(tensorParallel);
        dtype = DTYPES.getOrDefault(dtype, dtype);
        if (!DTYPES.containsValue(dtype)) {
            throw new UsageException("--dtype must be auto, float32, bfloat16 or float16, not " + dtype);
        }
        if (!List.of("dynamic", "block").contains(split)) {
            throw new UsageException("--split must be dynamic or block, not " + split);
        }
        speculates(); // says what is wrong with it
        if (report != null && !report.toLowerCase(Locale.ROOT).matches(".*\\.(json|html)")) {
            throw new UsageException("--report must end in .json or .html, not " + report);
        }
        for (var field : ignoredDefaults) {
            if (GenerationField.of(field).isEmpty()) {
                throw new UsageException("--ignore-generation-config " + field
                        + ": generation_config.json has no field of this name");
            }
        }
        if (manifest != null && !manifest.toLowerCase(Locale.ROOT).endsWith(".json")) {
            throw new UsageException("--manifest must end in .json, not " + manifest);
        }
        if (manifest != null && output.equals("-")) {
            throw new UsageException("--manifest describes results in a file: give --output F as well");
        }
        if (fileMode != null && !fileMode.matches("0?[0-7]{3}")) {
            throw new UsageException("--file-mode must be three octal digits such as 644, not " + fileMode);
        }
        if (!(gpuMemoryUtilization > 0 && gpuMemoryUtilization <= 1)) {
            throw new UsageException(
                    "--gpu-memory-utilization must be above 0 and at most 1, not " + gpuMemoryUtilization);
        }
        batchSize = parseBatchSize();
        overrides = sampling.overrides();
    }

    private String besideOutput() {
        if (output.equals("-")) {
            throw new UsageException("--report needs a name where the results go to stdout: --report F.html");
        }
        return output.replaceFirst("\\.[^./]+$", "") + ".html";
    }

    private OptionalInt parseBatchSize() {
        var size = batchSizeText == null || batchSizeText.equals("auto") ? OptionalInt.empty() : number(batchSizeText);
        if (oneByOne && batchSizeText != null && size.orElse(0) != 1) {
            throw new UsageException("--one-by-one is --batch-size 1, so leave out --batch-size " + batchSizeText);
        }
        return oneByOne ? OptionalInt.of(1) : size;
    }

    private static OptionalInt number(String text) {
        try {
            int size = Integer.parseInt(text);
            if (size >= 1) {
                return OptionalInt.of(size);
            }
        } catch (NumberFormatException e) {
            // the sentence below says all there is to say
        }
        throw new UsageException("--batch-size must be auto or a whole number of 1 or more, not " + text);
    }

    private static String shipped(String option, String file) {
        var home = System.getProperty("lockstep.home");
        if (home == null) {
            throw new UsageException(
                    option + " must be given, as the system property lockstep.home does not say where the examples are");
        }
        return Path.of(home, file).toString();
    }

    private static boolean sameFile(String a, String b) {
        try {
            return Path.of(a).toAbsolutePath().normalize().equals(Path.of(b).toAbsolutePath().normalize())
                    || Files.isRegularFile(Path.of(a)) && Files.exists(Path.of(b))
                            && Files.isSameFile(Path.of(a), Path.of(b));
        } catch (IOException e) {
            return false;
        }
    }

    /** For those who look into the options of a job rather than parse any. */
    static CommandLine commandLine(String job) {
        GenerateOptions options = new GenerateOptions();
        options.job = job;
        return commandLine(options);
    }

    private static CommandLine commandLine(GenerateOptions options) {
        CommandLine line = new CommandLine(options);
        CommandSpec spec = line.getCommandSpec();
        boolean embeds = options.job.equals(EMBED);
        for (OptionSpec option : List.copyOf(spec.options())) {
            String name = option.longestName();
            boolean ofTexts = OF_TEXTS.contains(name) || option.userObject()instanceof Field field
                    && field.getDeclaringClass() == SamplingOptions.class;
            if (embeds ? ofTexts : List.of(POOLING, NORMALIZE, DIMENSIONS).contains(name)) {
                spec.remove(option);
            }
        }
        if (embeds) {
            spec.name(EMBED).usageMessage().customSynopsis("embed [options]").description("",
                    "Writes an embedding of every prompt, the prompts split over the ranks.", "")
                    .footer(Arrays.stream(spec.usageMessage().footer())
                            .map(text -> text.replace(" " + GENERATE + " ", " " + EMBED + " ")).toArray(String[]::new));
        }
        // an argument that starts with @ is a prompt's or a stop string's, not a file of arguments
        return line.setExpandAtFiles(false).setPosixClusteredShortOptionsAllowed(false);
    }
}
