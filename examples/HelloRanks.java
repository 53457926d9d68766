import java.util.List;

import dev.lockstep.world.World;

/**
 * The smallest program: every rank makes a message, rank 0 prints them all.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/HelloRanks.java
 * </pre>
 */
public class HelloRanks {
    record Message(int rank, String text, List<String> words) {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            // All ranks have the same list; each takes its own part of it.
            List<String> words = world.split(List.of("one", "program", "many", "ranks", "in", "step"));
            String text = "rank " + world.rank() + " of " + world.size() + " on " + world.host();

            // Objects travel as JSON. Rank 0 gets the list, by rank; the others get an empty Optional.
            world.gather(new Message(world.rank(), text, words), Message.class)
                    .ifPresent(messages -> messages.forEach(m -> System.out.println(m.text() + ": " + m.words())));

            world.barrier();
            world.print("all " + world.size() + " ranks have come this far");
        }
    }
}
