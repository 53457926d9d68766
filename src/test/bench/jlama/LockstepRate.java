import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

/**
 * Generates prompts as it is told to, with Lockstep: MODEL NEW_TOKENS. A line of input holds prompts between tabs; they
 * are generated together, and the answer is a line of tokens, nanoseconds and the texts between tabs.
 */
public class LockstepRate {
    public static void main(String[] args) {
        SamplingParams params = SamplingParams.greedy(Integer.parseInt(args[1]), List.of(1));
        try (Generator generator = Generator.load(Checkpoint.open(Path.of(args[0])), Device.CPU, DType.FLOAT32)) {
            for (Scanner in = new Scanner(System.in); in.hasNextLine();) {
                List<String> prompts = List.of(in.nextLine().split("\t"));
                long start = System.nanoTime();
                List<Completion> done = generator.complete(prompts, params, prompts.size());
                long nanos = System.nanoTime() - start;
                System.out.println(done.stream().mapToInt(row -> row.tokenIds().length).sum() + "\t" + nanos + "\t"
                        + String.join("\t", done.stream().map(Completion::text).toList()));
            }
        }
    }
}
