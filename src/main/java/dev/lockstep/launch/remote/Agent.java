package dev.lockstep.launch.remote;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.host.HostName;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.GpuBinding;
import dev.lockstep.launch.local.HostLimits;
import dev.lockstep.launch.local.LocalProcess;
import dev.lockstep.launch.local.OrphanProcesses;
import dev.lockstep.launch.local.RankPlan;
import dev.lockstep.launch.local.RankPlanner;
import dev.lockstep.launch.local.ScratchDirectory;
import dev.lockstep.launch.local.SlurmAllocation;
import dev.lockstep.launch.output.LinePump;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.SealedLink;

/**
 * Starts ranks on its host as the launcher tells it, passes on what they write and how they end, and ends them when the
 * launcher is gone.
 */
public final class Agent {
    private static final int CONNECT_MILLIS = 5_000;
    private static final int ANSWER_MILLIS = 10_000;
    private static final int PIECE = 1 << 18;
    private static final long TERM_NANOS = 300_000_000L;

    private final Socket socket;
    private final SealedLink link;
    private final Map<Integer, LocalProcess> processes = new ConcurrentHashMap<>();
    private volatile boolean told;
    private volatile String token = "";
    private volatile @Nullable ScratchDirectory scratch;

    private Agent(Socket socket, SealedLink link) {
        this.socket = socket;
        this.link = link;
    }

    /** @param args {@code ssh} and the agent's index, or {@code slurm} */
    public static void main(String[] args) throws IOException, InterruptedException {
        Map<String, String> environment = System.getenv();
        boolean slurm = args[0].equals("slurm");
        String[] launcher = (slurm ? environment.getOrDefault(SlurmSpawner.LAUNCHER, "") : readLine()).split(" ", -1);
        if (launcher.length != 4) {
            System.err.println("lockstep: agents are started by launch/mpjrun.sh, not by hand");
            System.exit(ExitCode.USAGE.code());
        }
        SlurmAllocation allocation = new SlurmAllocation(environment);
        Message.AgentHello enlist = slurm
                ? new Message.AgentHello(allocation.number("SLURM_PROCID"),
                        environment.getOrDefault("SLURMD_NODENAME", HostName.here()), allocation.localRank(),
                        allocation.localSize())
                : new Message.AgentHello(Integer.parseInt(args[1]), HostName.here(), -1, -1);
        List<String> addresses = addresses(launcher, slurm ? "" : environment.getOrDefault("SSH_CONNECTION", ""));
        String reason = "it has no address";
        for (String address : addresses) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getByName(address), Integer.parseInt(launcher[1])),
                        CONNECT_MILLIS);
                KeepAlive.on(socket);
                socket.setSoTimeout(ANSWER_MILLIS);
                SealedLink link = SealedLink.connect(socket, launcher[0]);
                link.send(enlist);
                if (link.read()instanceof Message.Assignment assignment) {
                    socket.setSoTimeout(0);
                    new Agent(socket, link).run(assignment, launcher[0], environment);
                }
                reason = "it no longer needs this host";
            } catch (IOException e) {
                reason = e.getMessage() == null ? "the connection ended" : e.getMessage(); // the next, if there is one
            }
        }
        System.err.println(Printable.line("the launcher cannot be reached from " + HostName.here() + " at "
                + String.join(", ", addresses) + " port " + launcher[1] + " (" + reason
                + "): --interface says which network to use"));
        System.exit(ExitCode.USAGE.code());
    }

    /** Never returns: ends with the code the launcher gives. */
    private void run(Message.Assignment assignment, String secret, Map<String, String> environment) throws IOException {
        token = secret;
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        HostRanks share = assignment.share();
        CountDownLatch running = new CountDownLatch(share.ranks().size());
        try {
            List<RankPlan> plans = plan(assignment.job(), share, environment);
            for (RankPlan plan : plans) {
                processes.put(plan.rank(), start(plan, assignment, running));
            }
        } catch (UsageException e) {
            send(new Message.Failure(ExitCode.USAGE.code(), IoReason.of(e)));
        } catch (IOException e) {
            send(new Message.Failure(ExitCode.FAILED.code(), "a rank could not be started: " + IoReason.of(e)));
        }
        Thread listener = new Thread(this::listen, "launcher");
        listener.start();
        try {
            running.await();
            processes.values().forEach(LocalProcess::drain);
            send(new Message.Drained());
            listener.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<RankPlan> plan(JobSpec job, HostRanks share, Map<String, String> environment)
            throws IOException {
        if (!Files.isDirectory(Path.of(job.directory()))) {
            throw new UsageException("there is no directory " + job.directory());
        }
        boolean slurm = SlurmAllocation.isTask(environment);
        HostLimits limits = HostLimits.detect(Runtime.getRuntime().availableProcessors(), Path.of("/"), environment,
                share.localSize());
        RankPlanner ranks = new RankPlanner(Path.of(System.getProperty("lockstep.home")), environment, job,
                GpuBinding.here(environment), limits);
        if (!slurm) {
            ranks.checkGpusFor(share.localSize(), share.localSize() + " ranks are"); // Slurm may show each task its own GPU only
            ranks.checkRoomFor(share.localSize(), share.localSize() + " ranks are");
        }
        scratch = ranks.prepare(share.size());
        return ranks.plan(share, socket.getInetAddress().getHostAddress() + ":" + socket.getPort(), token);
    }

    private LocalProcess start(RankPlan plan, Message.Assignment assignment, CountDownLatch running)
            throws IOException {
        LinePump.Lines out = assignment.ownOutput() ? null : lines(plan.rank(), 1);
        LinePump.Lines err = assignment.ownOutput() ? null : lines(plan.rank(), 2);
        return LocalProcess.start(plan, assignment.job().tag(), out, err, code -> {
            send(new Message.Exited(plan.rank(), code));
            running.countDown();
        });
    }

    private LinePump.Lines lines(int rank, int stream) {
        return (bytes, offset, length) -> {
            for (int at = 0; at < length; at += PIECE) {
                int end = Math.min(length, at + PIECE);
                send(new Message.Output(rank, stream, end < length,
                        Arrays.copyOfRange(bytes, offset + at, offset + end)));
            }
        };
    }

    private void listen() {
        int code = ExitCode.FAILED.code(); // the launcher is gone
        try {
            for (Message message; (message = link.read()) != null;) {
                if (message instanceof Message.End end && processes.containsKey(end.rank())) {
                    LocalProcess process = processes.get(end.rank());
                    if (end.sparesRank()) {
                        process.endChildren();
                    } else {
                        process.end();
                    }
                } else if (message instanceof Message.Kill kill && processes.containsKey(kill.rank())) {
                    processes.get(kill.rank()).kill();
                } else if (message instanceof Message.Look look && processes.containsKey(look.rank())) {
                    send(new Message.Ran(look.rank(), processes.get(look.rank()).ran()));
                } else if (message instanceof Message.Dismiss over) {
                    code = over.code();
                    told = true;
                    break;
                }
            }
        } catch (IOException e) {
            // the same as its end
        }
        System.exit(code);
    }

    /** However this process ends, no rank stays behind. */
    private void stop() {
        List<LocalProcess> alive = processes.values().stream().filter(LocalProcess::isAlive).toList();
        alive.forEach(LocalProcess::end);
        long until = System.nanoTime() + (told ? 0 : TERM_NANOS);
        while (alive.stream().anyMatch(LocalProcess::isEnding) && System.nanoTime() < until) {
            LockSupport.parkNanos(5_000_000L);
        }
        processes.values().forEach(LocalProcess::kill);
        OrphanProcesses.end(token, processes.keySet());
        if (scratch != null) {
            scratch.remove();
        }
    }

    private void send(Message message) {
        try {
            link.send(message);
        } catch (IOException e) {
            // the listener ends this process
        }
    }

    /** Where ssh came from is an address that is known to be the right one; that of another host never is. */
    private static List<String> addresses(String[] launcher, String sshConnection) {
        List<String> addresses = new ArrayList<>();
        List<String> own = launcher[3].isEmpty() ? List.of() : List.of(launcher[3].split(","));
        String client = sshConnection.replaceFirst(" .*", "");
        if (own.contains(client)) {
            addresses.add(client);
        }
        addresses.addAll(own);
        if (launcher[2].equals(HostName.here())) {
            addresses.add("127.0.0.1");
        } else if (!client.isEmpty()) {
            addresses.add(client); // the launcher is behind an address that it does not know
        }
        return addresses.stream().distinct().toList();
    }

    /** Byte by byte: what follows the line is rank 0's to read. */
    private static String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        FileInputStream stdin = new FileInputStream(FileDescriptor.in); // stays open for rank 0
        for (int next; (next = stdin.read()) >= 0 && next != '\n';) {
            line.write(next);
        }
        return line.toString(StandardCharsets.UTF_8);
    }
}
