package dev.lockstep.report;

import java.io.IOException;
import java.util.List;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

import dev.lockstep.host.AtomicFile;
import dev.lockstep.json.Json;
import dev.lockstep.results.Tally;

/**
 * What was measured; its JSON is a contract with users' scripts.
 *
 * @param prompts         rows of the input, failed ones included
 * @param tokens          generated in this run
 * @param promptTokens    tokens of the prompts
 * @param seconds         from the barrier before generation to the end of the gather
 * @param tokensPerSecond tokens / seconds; 0 where no time passed
 * @param failed          results with an error
 * @param worldSize       ranks
 * @param batchSize       rows that a rank has under way at once
 * @param dtype           what the model computes in
 * @param device          what the ranks compute on
 * @param model           the checkpoint's directory
 * @param loadSeconds     the slowest rank's time to load the model
 * @param tensorParallel  ranks that computed the model together
 * @param restarts        how often the ranks were started again because one had died
 * @param deaths          who died of what each time, the latest last
 * @param ranks           what each rank measured since the last start, or of ranks together the first, in order of rank
 */
@JsonNaming(SnakeCaseStrategy.class)
@JsonPropertyOrder({"prompts", "tokens", "prompt_tokens", "seconds", "tokens_per_second", "failed", "world_size",
        "batch_size", "dtype", "device", "model", "load_seconds", "tensor_parallel", "restarts", "deaths", "ranks"})
public record Report(int prompts, long tokens, long promptTokens, double seconds, double tokensPerSecond, int failed,
        int worldSize, int batchSize, String dtype, String device, String model, double loadSeconds,
        int tensorParallel, int restarts, List<String> deaths, List<RankReport> ranks) {

    /**
     * What one rank measured.
     *
     * @param rank            the rank
     * @param host            where it ran
     * @param device          what it computed on, such as {@code cpu} or {@code cuda:0}
     * @param prompts         rows that it was given
     * @param tokens          tokens that it generated
     * @param seconds         its time from the barrier to its last row
     * @param prefillSeconds  of those, the time in prefill
     * @param decodeSeconds   of those, the time in decode steps
     * @param steps           decode steps
     * @param peakMemoryBytes the most device memory in use; 0 where the device does not tell
     * @param prompting       what became of its prompts' tokens
     * @param drafting        what it computed ahead
     * @param start           what it did before it generated
     */
    @JsonNaming(SnakeCaseStrategy.class)
    @JsonPropertyOrder({"rank", "host", "device", "prompts", "tokens", "seconds", "prefill_seconds", "decode_seconds",
            "steps", "peak_memory_bytes", "prompting", "drafting", "start"})
    public record RankReport(int rank, String host, String device, int prompts, long tokens, double seconds,
            double prefillSeconds, double decodeSeconds, long steps, long peakMemoryBytes, Prompting prompting,
            Drafting drafting, Start start) {}

    /**
     * What became of a rank's prompts.
     *
     * @param computedTokens tokens of prompts that were computed, for sequences that were interrupted once more
     * @param sharedTokens   tokens that were not, because another prompt began alike
     * @param interruptions  how often a sequence gave its memory to others and went on later
     */
    @JsonNaming(SnakeCaseStrategy.class)
    @JsonPropertyOrder({"computed_tokens", "shared_tokens", "interruptions"})
    public record Prompting(long computedTokens, long sharedTokens, long interruptions) {
        /** All of them. */
        public long tokens() {
            return computedTokens + sharedTokens;
        }
    }

    /**
     * Tokens that a rank computed before they were chosen, with {@code --speculate}.
     *
     * @param tokens so many
     * @param right  those of them that were chosen then, each a token without a step of its own
     */
    @JsonPropertyOrder({"tokens", "right"})
    public record Drafting(long tokens, long right) {}

    /**
     * Where a rank's time went until its first tokens were there, in seconds, one after the other but for tokenizer and graphs.
     *
     * @param launch      from the command until this rank's JVM was started; 0 where that is not known
     * @param jvm         until its program began, in {@code main}
     * @param world       until all ranks had found each other and the input and the checkpoint had been looked at
     * @param tokenizer   loading the tokenizer, while the next two go on
     * @param library     what remained of loading libtorch, which on a GPU goes on meanwhile, and its first use of the device
     * @param weights     reading the weights
     * @param kernels     making the device's kernels, or finding those that were made before
     * @param warmUp      fetching the first rows, room for keys and values, and on a GPU first passes that nobody sees
     * @param firstTokens from the barrier before generation until the first tokens were there
     * @param graphs      recording decode steps, in the whole run
     */
    @JsonNaming(SnakeCaseStrategy.class)
    @JsonPropertyOrder({"launch", "jvm", "world", "tokenizer", "library", "weights", "kernels", "warm_up",
            "first_tokens", "graphs"})
    public record Start(double launch, double jvm, double world, double tokenizer, double library, double weights,
            double kernels, double warmUp, double firstTokens, double graphs) {}

    public Report {
        deaths = List.copyOf(deaths);
        ranks = List.copyOf(ranks);
    }

    /** A report whose {@code tokensPerSecond}, {@code failed} and {@code worldSize} follow from the rest. */
    public static Report of(Summary summary, Tally tally, int batchSize, String dtype, String device, String model,
            double loadSeconds, int tensorParallel, int restarts, List<String> deaths, List<RankReport> ranks) {
        return new Report(summary.prompts(), summary.tokens(), tally.promptTokens(), summary.seconds(),
                summary.tokensPerSecond(), tally.failures().count(), ranks.size() * tensorParallel, batchSize, dtype,
                device, model, loadSeconds, tensorParallel, restarts, deaths, ranks);
    }

    /**
     * Writes pretty JSON; the file is replaced as a whole.
     *
     * @throws IOException when it could not be written; an earlier file is then as it was
     */
    public void write(String file) throws IOException {
        AtomicFile.write(file, out -> {
            Json.pretty().writeValue(out, this);
            out.write('\n');
        });
    }
}
