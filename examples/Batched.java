import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.PromptReader;
import dev.lockstep.torch.Device;
import dev.lockstep.world.World;

/**
 * As OneByOne, with 16 prompts at a time and the answers as JSON.
 *
 * <pre>
 * launch/mpjrun.sh -np 2 examples/Batched.java [MODEL [PROMPTS]]
 * </pre>
 */
public class Batched {
    record Answer(String prompt, String text, int tokens) {}

    public static void main(String[] args) throws Exception {
        try (World world = World.init(args)) {
            String examples = System.getProperty("lockstep.home") + "/examples/";
            Checkpoint model = Checkpoint.open(Path.of(args.length > 0 ? args[0] : examples + "models/kjv-6m"));
            List<String> prompts = PromptReader.readAll(args.length > 1 ? args[1] : examples + "first-lines.jsonl",
                    System.in).stream().map(Prompt::text).toList();
            SamplingParams params = SamplingParams.greedy(100, model.generationDefaults().eosTokenIds());

            try (Generator generator = Generator.load(model, Device.ofRank(world.device()))) {
                world.barrier();
                long start = System.nanoTime();
                List<Answer> answers = new ArrayList<>();
                for (Completion completion : generator.complete(world.split(prompts), params, 16)) {
                    // the index is the prompt's among all prompts, whichever rank completes it
                    answers.add(new Answer(prompts.get(completion.index()), completion.text(),
                            completion.tokenIds().length));
                }
                List<Answer> all = world.gatherAll(answers, Answer.class).orElse(null);
                double seconds = (System.nanoTime() - start) / 1e9;
                if (world.isRoot()) {
                    System.out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(all));
                    int tokens = all.stream().mapToInt(Answer::tokens).sum();
                    System.out.printf("tokens/sec: %.1f, time elapsed: %.2f, num_tokens %d, num_prompts %d%n",
                            tokens / seconds, seconds, tokens, all.size());
                }
            }
        }
    }
}
