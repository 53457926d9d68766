package dev.lockstep.world;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.NOPLogger;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.HostName;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.world.rank.Shutdown;
import dev.lockstep.world.transport.Alone;
import dev.lockstep.world.verbs.JsonCodec;
import dev.lockstep.world.verbs.Members;

/**
 * All ranks of a job, seen from one of them: a {@link Group}, whose verbs it has, and what concerns the rank as a process.
 *
 * <pre>{@code
 * try (World world = World.init(args)) {
 *     List<Answer> mine = world.split(questions).stream().map(Example::answer).toList();
 *     world.gatherAll(mine, Answer.class).ifPresent(all -> all.forEach(System.out::println));
 * }
 * }</pre>
 *
 * <p>
 * A rank that ends with an uncaught exception, is killed, is frozen, or calls {@link #abort} ends the whole job, or has all
 * ranks started again ({@code --max-restarts}); no rank waits for one that is gone. When one does not come to a collective that others are in, because it has ended, or within
 * the launcher's {@code --timeout-collective}, the job ends with an error that says where every rank stands. Started with
 * plain {@code java}, without the launcher, a program is a world of one. MPJ Express's own launcher starts a program too,
 * with {@code -dev niodev}, but does none of that.
 */
public final class World extends Group implements AutoCloseable {
    private static final long PROGRESS_NANOS = 500_000_000L;

    private static @Nullable World current;

    private final List<String> args;
    private final RankEnvironment self;
    private @Nullable Hosts hosts; // once they are asked for
    private volatile long barrierPassed;
    private long progressBegin;
    private long progressSent;
    private Message.@Nullable Progress unsent; // by which the launcher knows less than it could

    World(String[] args, RankEnvironment self, Session session) {
        super(session, Members.ofWorld(self.size(), self.rank()));
        this.args = List.of(args);
        this.self = self;
        session.ending().lastWords(this::tellUnsent);
    }

    /**
     * Joins the job's other ranks; waits until all have called it. The world closes itself when the calling thread
     * ends. In a thread that is a rank of {@link Worlds} it gives the world of that rank.
     *
     * @param args the program's own arguments, given back by {@link #args()}
     * @throws IllegalStateException when called twice. When MPJ Express cannot connect the ranks the job ends.
     */
    public static World init(String[] args) {
        return RankThreads.joined(args).orElseGet(() -> initProcess(args));
    }

    private static synchronized World initProcess(String[] args) {
        if (current != null) {
            throw new IllegalStateException("World.init was called before; a program has one world");
        }
        if (RankEnvironment.isIn(System.getenv())) {
            RankEnvironment self = RankEnvironment.of(System.getenv());
            current = new World(args, self, Joining.join(self));
        } else if (MpjExpressLauncher.hasStarted(args)) {
            MpjExpressLauncher.Joined joined = MpjExpressLauncher.join(args);
            current = new World(joined.args(), joined.self(), joined.session());
        } else {
            RankEnvironment self = RankEnvironment.alone(0, 1, 0, 1, HostName.here(),
                    Files.exists(Path.of("/dev/nvidia0")) ? "cuda" : "cpu");
            current = new World(args, self, new Session(null, new Alone(), null, new Shutdown(() -> {
            })));
        }
        return current;
    }

    /**
     * Has values travel as a copy of this mapper writes and reads them, in place of Lockstep's, which knows {@link Optional},
     * {@code java.time} and the modules that are services on the class path. Before {@link #init}, and on every rank.
     *
     * @throws IllegalStateException    after {@link #init}
     * @throws IllegalArgumentException when it is of a class of its own that does not copy itself
     */
    public static synchronized void mapper(ObjectMapper mapper) {
        if (current != null) {
            throw new IllegalStateException("World.mapper comes after World.init: call it before, on every rank");
        }
        JsonCodec.use(mapper);
    }

    /**
     * What {@link #device()} will say, for a program that begins with its device before {@link #init} has found the other
     * ranks; empty for one without a launcher.
     */
    public static Optional<String> deviceToBe() {
        return RankEnvironment.isIn(System.getenv())
                ? Optional.of(RankEnvironment.of(System.getenv()).device())
                : Optional.empty();
    }

    /** The program's arguments. */
    public String[] args() {
        return args.toArray(String[]::new);
    }

    /** This rank among those of its host, from 0. */
    public int localRank() {
        return self.localRank();
    }

    /** Number of ranks on this host. */
    public int localSize() {
        return self.localSize();
    }

    /**
     * A name for this job that no other job has, and that all its ranks know, also those that are started again: by it a
     * program can tell what it has left for itself from what an earlier job has left. Empty without Lockstep's launcher.
     */
    public String job() {
        return self.past().job();
    }

    /**
     * How often the launcher has started the job's ranks again because one had died, as {@code --max-restarts} has it; the
     * variable {@code LOCKSTEP_RESTART} says so too. Above 0 a program may find what it did before it was ended.
     */
    public int restarts() {
        return self.past().restarts();
    }

    /**
     * Whether the user wants to see some of the results while the job runs ({@code --watch}): a line now and then through
     * {@link #status}.
     */
    public boolean isWatched() {
        return System.getenv(RankEnvironment.WATCH) != null;
    }

    /** Who died of what each time, a sentence each, the latest last; of more than a hundred only the latest. */
    public List<String> deaths() {
        return self.past().deaths();
    }

    /** The name of this rank's host. */
    public String host() {
        return self.host();
    }

    /** What this rank computes on: {@code cpu} or {@code cuda}; a rank on CUDA sees its own GPU as device 0. */
    public String device() {
        return self.device();
    }

    /** Which ranks share a host, and what they share there. A collective the first time that it is called. */
    public Hosts hosts() {
        Hosts known = hosts == null ? new Hosts(this) : hosts;
        hosts = known;
        return known;
    }

    /** Waits until every rank has called it. */
    @Override
    public void barrier() {
        super.barrier();
        barrierPassed = System.nanoTime();
    }

    /** Prints a value as a line on stdout, on rank 0 only. */
    public void print(@Nullable Object value) {
        if (isRoot()) {
            System.out.println(value);
        }
    }

    /** Prints on stdout as {@link java.io.PrintStream#printf} does, on rank 0 only; a line ends with {@code %n}. */
    public void printf(String format, @Nullable Object... args) {
        if (isRoot()) {
            System.out.printf(format, args);
        }
    }

    /** Work that may fail with an exception of its own. */
    @FunctionalInterface
    public interface Work<T, E extends Exception> {
        T run() throws E;
    }

    /** Work without a result. */
    @FunctionalInterface
    public interface Action<E extends Exception> {
        void run() throws E;
    }

    /**
     * Does the work on rank 0 and, once that is done, on all others: one downloads, the others find it there. A
     * collective.
     */
    public <T, E extends Exception> T rootFirst(Work<T, E> work) throws E {
        return first(isRoot(), work);
    }

    /** As {@link #rootFirst}, with one rank of every host going first: for what each host has on its own disk. */
    public <T, E extends Exception> T localRootFirst(Work<T, E> work) throws E {
        return first(localRank() == 0, work);
    }

    /** Does something on rank 0 only; the others do not wait for it. */
    public <E extends Exception> void onRoot(Action<E> action) throws E {
        onRank(0, action);
    }

    /**
     * Does something on one rank only; the others do not wait for it.
     *
     * @throws IllegalArgumentException when there is no such rank
     */
    public <E extends Exception> void onRank(int rank, Action<E> action) throws E {
        if (rank < 0 || rank >= size()) {
            throw new IllegalArgumentException("rank " + rank + " is not a rank of " + size());
        }
        if (rank() == rank) {
            action.run();
        }
    }

    /**
     * A logger that is silent on all ranks but 0. Loggers from slf4j's own factory log on every rank; conf/logback.xml
     * puts the rank into every line of either.
     */
    public Logger rootLogger(Class<?> name) {
        return isRoot() ? LoggerFactory.getLogger(name) : Silent.LOGGER;
    }

    /** Apart, so that a world that is started wrongly can say so without the libraries. */
    private static final class Silent {
        private static final Logger LOGGER = NOPLogger.NOP_LOGGER;
    }

    /**
     * Has the launcher say what is going on, in one line on stderr, unless it was told to be quiet. From any one rank.
     *
     * @param line for those who watch the job
     */
    public void status(String line) {
        session().tell(new Message.Doing(line, false));
    }

    /**
     * Has the launcher show how far something is that is not counted in rows: on a terminal each line replaces the one
     * before, elsewhere one is written every ten seconds. A sign of life, as {@link #alive} is.
     *
     * @param line for those who watch the job
     */
    public void progress(String line) {
        session().atWork();
        session().tell(new Message.Doing(line, true));
    }

    /** {@link #progress(long, long, long, long)} where nobody can tell how many tokens are to come. */
    public void progress(long done, long total, long tokens) {
        progress(done, total, tokens, -1);
    }

    /** {@link #progress(long, long, long, long, long)} where this rank does not know how many rows there are in all. */
    public void progress(long done, long total, long tokens, long toCome) {
        progress(done, total, tokens, toCome, -1);
    }

    /**
     * Tells the launcher how far this rank is; it shows the sum over all ranks. Cheap: most calls only look at the
     * clock. Time counts from the last barrier before the first call, or from that call. A sign of life, as
     * {@link #alive} is.
     *
     * @param done   rows finished
     * @param total  rows this rank has to do
     * @param tokens tokens generated
     * @param toCome tokens still to be generated, as far as can be told; -1 where it cannot
     * @param all    rows that all ranks together have to do; -1 where this rank does not know
     */
    public synchronized void progress(long done, long total, long tokens, long toCome, long all) {
        long now = System.nanoTime();
        boolean first = progressBegin == 0;
        session().atWork();
        if (first) {
            progressBegin = barrierPassed == 0 ? now : barrierPassed;
        }
        unsent = new Message.Progress(done, total, tokens, toCome, all, (now - progressBegin) / 1e9);
        if (first || done >= total || now - progressSent >= PROGRESS_NANOS) {
            progressSent = now;
            tellUnsent();
        }
    }

    private synchronized void tellUnsent() {
        if (unsent != null) {
            session().tell(unsent);
            unsent = null;
        }
    }

    /**
     * Has the launcher say what is kept of the job's work, should the job end before its time: how many rows, by what
     * ranks have said through {@link #progress(long, long, long, long, long)}. From rank 0.
     *
     * @param place  where they are kept; empty once there is no need for the line any more
     * @param before rows that earlier runs have kept there
     * @param advice what to do to go on
     */
    public void keeps(String place, long before, String advice) {
        session().tell(new Message.Kept(place, before, advice));
    }

    /**
     * Says that all work of the job is done and where it belongs: should a rank die from here on, the launcher does not start
     * the job again, whatever {@code --max-restarts} says, but ends with this code. From any one rank.
     */
    public void done(int code) {
        session().tell(new Message.Done(code));
    }

    /**
     * Says that this rank is at work, however long it does not come to a collective in which others wait for it: called
     * once in a while, less than {@code --timeout-collective} apart, it keeps the launcher from taking long work for a
     * hang. Costs nothing.
     */
    public void alive() {
        session().atWork();
    }

    /**
     * Ends the whole job at once, without waiting for anything.
     *
     * @param code  the launcher's exit code; with {@link ExitCode#USAGE}'s the cause is shown to the user as it stands
     * @param cause one sentence
     */
    public void abort(int code, String cause) {
        session().ending().abort(code, cause);
    }

    /**
     * Ends this rank in good order; the others go on. When all have ended so, the launcher's exit code is the first that
     * is not 0.
     *
     * @param code of this process
     */
    public void exit(int code) {
        session().ending().exit(code);
    }

    /**
     * Ends this rank's part in the job: no collective after it. The launcher is told when the program ends, because an
     * exception may be on its way through a try-with-resources.
     */
    @Override
    public void close() {
        session().ending().close();
    }

    private <T, E extends Exception> T first(boolean mine, Work<T, E> work) throws E {
        if (mine) {
            T result = work.run();
            barrier();
            return result;
        }
        barrier();
        return work.run();
    }
}
