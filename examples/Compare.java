import java.nio.file.Path;
import java.util.List;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptReader;
import dev.lockstep.torch.Device;
import dev.lockstep.world.World;

/**
 * What batches are worth: the work of OneByOne and of Batched one after the other, on the same ranks.
 *
 * <pre>
 * launch/mpjrun.sh -np 2 examples/Compare.java [MODEL [PROMPTS]]
 * </pre>
 */
public class Compare {
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            String examples = System.getProperty("lockstep.home") + "/examples/";
            Checkpoint model = Checkpoint.open(Path.of(args.length > 0 ? args[0] : examples + "models/kjv-6m"));
            List<String> prompts = PromptReader.readAll(args.length > 1 ? args[1] : examples + "first-lines.jsonl",
                    System.in).stream().map(Prompt::text).toList();
            SamplingParams params = SamplingParams.greedy(100, model.generationDefaults().eosTokenIds());

            try (Generator generator = Generator.load(model, Device.ofRank(world.device()))) {
                // the first steps of a process are slow, whichever way they go
                generator.complete(prompts.subList(0, 1), params, 1);
                double alone = tokensPerSecond(world, generator, prompts, params, 1);
                double batched = tokensPerSecond(world, generator, prompts, params, 16);
                world.printf("batched / one by one: %.2f%n", batched / alone);
            }
        }
    }

    private static double tokensPerSecond(World world, Generator generator, List<String> prompts, SamplingParams params,
            int batchSize) {
        world.barrier();
        long start = System.nanoTime();
        List<Completion> mine = generator.complete(world.split(prompts), params, batchSize);
        List<Completion> all = world.gatherAll(mine, Completion.class).orElse(List.of());
        double seconds = (System.nanoTime() - start) / 1e9;
        int tokens = all.stream().mapToInt(completion -> completion.tokenIds().length).sum();
        world.printf("%s: tokens/sec: %.1f, time elapsed: %.2f, num_tokens %d, num_prompts %d%n",
                batchSize == 1 ? "one by one" : "batched", tokens / seconds, seconds, tokens, all.size());
        return tokens / seconds;
    }
}
