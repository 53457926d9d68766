package dev.lockstep.launch;

import java.util.List;

import dev.lockstep.world.Group;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/** The program of {@link StockLauncherIT}, which MPJ Express's own launcher starts. */
public final class StockProgram {
    private StockProgram() {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            Group alone = world.group(world.rank());
            List<String> all = world.allGather(String.join(" ", "rank " + world.rank(), "of " + world.size(),
                    "local " + world.localRank(), "of " + world.localSize(), String.join("|", world.args())),
                    String.class);
            // longer than the eager limit, in several parts
            double[] sum = world.doubles().allReduce(new double[3_000_001], Op.SUM);
            world.print(all + " sum " + sum.length + " group of " + alone.size());
        }
    }
}
