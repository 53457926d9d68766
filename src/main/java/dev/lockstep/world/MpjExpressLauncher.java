package dev.lockstep.world;

import java.util.List;
import java.util.Set;

import dev.lockstep.host.HostName;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.rank.Bootstrap;
import dev.lockstep.world.rank.Shutdown;
import dev.lockstep.world.transport.Transport;
import dev.lockstep.world.verbs.JsonCodec;
import dev.lockstep.world.verbs.Members;
import dev.lockstep.world.verbs.Verb;

/**
 * MPJ Express's own mpjrun.sh, which puts what {@code MPI.Init} has to know before the program's arguments: rank,
 * configuration, device. Its cluster mode gives every rank a process, and so a world that works. Its other modes do not:
 * there ranks are threads of one JVM, which can load libtorch once only, or need a network of another kind.
 */
final class MpjExpressLauncher {
    private static final String CLUSTER = "niodev";
    private static final Set<String> DEVICES = Set.of(CLUSTER, "smpdev", "multicore", "hybdev", "mxdev", "native");
    private static final String INSTEAD = "launch/mpjrun.sh starts the same program";

    private MpjExpressLauncher() {}

    /** @param args the program's own */
    record Joined(String[] args, RankEnvironment self, Session session) {}

    /** Whether these arguments of a program begin with that launcher's. */
    static boolean hasStarted(String[] args) {
        return args.length >= 3 && args[0].matches("\\d+") && DEVICES.contains(args[2]);
    }

    /** @throws IllegalStateException when MPJ does not start */
    @SuppressWarnings("LockOnNonEnclosingClassLiteral") // what all ranks share, if they are threads
    static Joined join(String[] args) {
        if (!args[2].equals(CLUSTER)) {
            // the ranks may be threads, each with classes of its own: this one they share
            synchronized (System.class) {
                System.err
                        .println("lockstep: a rank is a process of its own, which MPJ Express's own launcher gives it "
                                + "with -dev niodev only, and not with " + args[2] + ": " + INSTEAD
                                + " without daemons");
                Runtime.getRuntime().halt(2);
            }
        }
        System.setProperty("lockstep.rank", args[0]);
        Bootstrap.Mpj mpj = Bootstrap.init(args);
        Shutdown ending = new Shutdown(mpj.transport()::finish);
        ending.catchUncaught();
        ending.watch(Thread.currentThread(), mpj.threads());
        Session session = new Session(null, mpj.transport(), null, ending);
        return new Joined(mpj.args(), self(session, mpj.transport()), session);
    }

    /** That launcher tells nobody who shares a host with whom, so the ranks tell each other. */
    private static RankEnvironment self(Session session, Transport transport) {
        int rank = transport.rank();
        int size = transport.size();
        String host = HostName.here();
        List<String> hosts = session.collectives(Members.ofWorld(size, rank)).allGather(host,
                JsonCodec.of(String.class), Verb.ALL_GATHER);
        int before = (int) hosts.subList(0, rank).stream().filter(host::equals).count();
        int local = (int) hosts.stream().filter(host::equals).count();
        if (rank == 0) {
            System.err.println(
                    "lockstep: MPJ Express's own launcher gives ranks no GPU, and lets the others wait forever when one dies: "
                            + INSTEAD + " and does neither");
        }
        return RankEnvironment.alone(rank, size, before, local, host, "cpu");
    }
}
