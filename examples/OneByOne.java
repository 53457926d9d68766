import java.nio.file.Path;
import java.util.ArrayList;
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
 * Inference as one writes it first: every rank takes its share of the prompts and generates one after the other.
 *
 * <pre>
 * launch/mpjrun.sh -np 2 examples/OneByOne.java [MODEL [PROMPTS]]
 * </pre>
 */
public class OneByOne {
    record Answer(String prompt, String text, int tokens) {}

    public static void main(String[] args) {
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
                for (String prompt : world.split(prompts)) {
                    Completion completion = generator.complete(List.of(prompt), params, 1).get(0);
                    answers.add(new Answer(prompt, completion.text(), completion.tokenIds().length));
                }
                world.gatherAll(answers, Answer.class).ifPresent(all -> {
                    double seconds = (System.nanoTime() - start) / 1e9;
                    all.forEach(answer -> System.out.println(answer.prompt() + " |" + answer.text()));
                    int tokens = all.stream().mapToInt(Answer::tokens).sum();
                    System.out.printf("tokens/sec: %.1f, time elapsed: %.2f, num_tokens %d, num_prompts %d%n",
                            tokens / seconds, seconds, tokens, all.size());
                });
            }
        }
    }
}
