package dev.lockstep.launch.local;

import java.io.IOException;
import java.util.List;
import java.util.Objects;

import dev.lockstep.host.ExitCode;
import dev.lockstep.launch.output.OutputRouter;
import dev.lockstep.launch.ranks.LaunchEvent;
import dev.lockstep.launch.ranks.RankProcess;
import dev.lockstep.launch.ranks.Spawner;
import dev.lockstep.wire.RankEnvironment;

/** Ranks as the launcher's own children. */
public final class LocalSpawner implements Spawner {
    private final List<RankPlan> plans;
    private final boolean tag;
    private final OutputRouter router;
    private final ScratchDirectory scratch;

    /** @param scratch removed at the end */
    public LocalSpawner(List<RankPlan> plans, boolean tag, OutputRouter router, ScratchDirectory scratch) {
        this.plans = plans;
        this.tag = tag;
        this.router = router;
        this.scratch = scratch;
    }

    @Override
    public int size() {
        return plans.size();
    }

    @Override
    public RankProcess start(int rank) throws IOException {
        RankPlan plan = plans.get(rank);
        try {
            return LocalProcess.start(plan, tag, router.lines(rank, 1), router.lines(rank, 2),
                    code -> router.events().add(new LaunchEvent.Exited(rank, code)));
        } catch (IOException e) {
            throw new IOException("rank " + rank + " could not be started on " + plan.host() + ": " + e.getMessage(),
                    e);
        }
    }

    @Override
    public void close(int code) {
        OrphanProcesses.end(Objects.requireNonNull(plans.get(0).environment().get(RankEnvironment.TOKEN)),
                plans.stream().map(RankPlan::rank).toList());
        scratch.remove();
        if (ExitCode.DONE.is(code)) { // ranks that are started again are not to be disturbed
            ClassData.makeIfMissing();
        }
    }
}
