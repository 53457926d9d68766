import java.util.List;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.torch.Device;
import dev.lockstep.world.World;

/**
 * The smallest program with a model: every rank completes its share of the prompts, rank 0 prints all of them in order.
 * The texts are the same whatever the number of ranks is.
 *
 * <pre>
 * launch/mpjrun.sh -np 2 examples/FirstText.java examples/models/kjv-6m
 * </pre>
 */
public class FirstText {
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            List<String> prompts = List.of("In the beginning", "And it came to pass", "Blessed are", "Behold, I");
            Checkpoint model = Checkpoint.open(args[0]);
            SamplingParams params = SamplingParams.builder(30).temperature(0.8)
                    .eosTokenIds(model.generationDefaults().eosTokenIds()).build();
            try (Generator generator = Generator.load(model, Device.ofRank(world.device()))) {
                List<Completion> mine = generator.complete(world.split(prompts), params, 16);
                world.gatherAll(mine, Completion.class).ifPresent(all -> all.forEach(
                        done -> world.print(prompts.get(done.index()) + done.text())));
            }
        }
    }
}
