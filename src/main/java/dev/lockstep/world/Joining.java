package dev.lockstep.world;

import java.io.IOException;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.UsageException;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.rank.Bootstrap;
import dev.lockstep.world.rank.ControlLink;
import dev.lockstep.world.rank.Shutdown;
import dev.lockstep.world.verbs.JsonCodec;

/** A rank's way from its launcher's variables into the world. */
final class Joining {
    private Joining() {}

    /** Does what a thread of the program does, a rank's main thread as a rule, until MPJ runs. */
    static Session join(RankEnvironment self) {
        System.setProperty("lockstep.rank", Integer.toString(self.rank()));
        if (self.size() > 1 && self.localSize() <= Runtime.getRuntime().availableProcessors()) {
            JsonCodec.warmUp();
        }
        ControlLink link = connect(self);
        Shutdown ending = new Shutdown(link);
        ending.catchUncaught();
        Bootstrap.Mpj mpj = Bootstrap.Mpj.NONE;
        if (self.size() == 1) {
            try {
                link.send(new Message.Ports(link.address(self), 0, 0, ""));
            } catch (IOException e) {
                // the link's reader ends this process
            }
            link.table();
        } else {
            try {
                mpj = Bootstrap.start(self, link);
            } catch (UsageException e) {
                ending.abort(ExitCode.USAGE.code(), e.getMessage());
            } catch (IllegalStateException e) {
                // it is not the program's fault, and its trace says nothing
                ending.abort(ExitCode.FAILED.code(), e.getMessage());
            }
        }
        ending.watch(Thread.currentThread(), mpj.threads());
        Session session = new Session(link.reporter(), mpj.transport(), mpj.memory(), ending);
        session.tell(new Message.Joined(mpj.memory() != null));
        if (mpj.lacksMemory() && self.rank() == 0) {
            session.tell(
                    new Message.Doing("the ranks of a host share no memory, for which there is no room in /dev/shm: "
                            + "they send messages instead", false));
        }
        return session;
    }

    private static ControlLink connect(RankEnvironment self) {
        try {
            return ControlLink.open(self);
        } catch (IOException e) {
            System.err.println("rank " + self.rank() + " on " + self.host() + ": the launcher at "
                    + self.coordinator() + " is gone: "
                    + (e.getMessage() == null ? "it has closed the connection" : e.getMessage()));
            Runtime.getRuntime().halt(1);
            throw new AssertionError(e);
        }
    }
}
