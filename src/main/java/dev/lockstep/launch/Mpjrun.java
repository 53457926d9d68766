package dev.lockstep.launch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.ForeignOptions;
import dev.lockstep.host.CommandTime;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.IoReason;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.RankPlanner;
import dev.lockstep.launch.local.SlurmAllocation;
import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.output.OutputRouter;
import dev.lockstep.launch.remote.SshSpawner;
import dev.lockstep.wire.CompiledProgram;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.Past;
import dev.lockstep.wire.PortRange;
import dev.lockstep.wire.RankEnvironment;
import dev.lockstep.wire.Traffic;

/** The launcher's command line: {@code mpjrun.sh [options] JOB [job options]}. */
@Command(name = "mpjrun.sh", customSynopsis = "mpjrun.sh [options] JOB [job options]", sortOptions = false, description = {
        "Runs N copies of a Java program, the ranks of one job, and ends with the job's exit code.",
        "JOB is generate, model, bench, selftest, hello, a class on -cp, a .java file, or -jar and a jar."}, versionProvider = Mpjrun.Version.class, footer = {
                "Exit codes: 0; 2 wrong usage or input; 3 finished, but some rows failed; 124 time-out; else the code of"
                        + " the rank that failed first."})
public final class Mpjrun implements Callable<Integer> {

    @Option(names = {"-np", "-n",
            "--np"}, paramLabel = "N", description = "ranks (one per visible GPU, or 1; the hosts' slots; a Slurm job's tasks)")
    private String np;
    @Option(names = {"-H", "-host",
            "--host"}, paramLabel = "H1:N,H2:N", description = "hosts, over ssh, and how many ranks each takes (1)")
    private String hosts;
    @Option(names = {"-hostfile", "--hostfile", "-machinefile", "--machinefile",
            "-machinesfile"}, paramLabel = "FILE", description = "the same, one a line (see conf/hosts.example)")
    private String hostFile;
    @Option(names = {"-interface",
            "--interface"}, paramLabel = "NAME|SUBNET", description = "the network between hosts: an interface, an address or a subnet such as 10.1.0.0/16")
    private String network = "";
    @Option(names = {"-cp",
            "--class-path"}, paramLabel = "PATH", description = "class path of the program; an entry @FILE stands for those in the file")
    private String classPath;
    @Option(names = {"-wdir", "--wdir"}, paramLabel = "DIR", description = "working directory of the ranks")
    private String directory;
    @Option(names = "-x", paramLabel = "VAR[=VALUE]", description = "an environment variable for the ranks")
    private List<String> variables = List.of();
    @Option(names = {"-dev",
            "--dev"}, paramLabel = "auto|ucx|tcp|niodev", description = "by which ranks send messages: UCX, Lockstep's TCP or MPJ Express's (auto: UCX within one host that has it, else tcp)")
    private String mpjDevice = "auto";
    @Option(names = "--ports", paramLabel = "A-B", description = "the ports that the launcher and, over tcp, ranks may listen on (any)")
    private String ports = "";
    @Option(names = "--encrypt", description = "encrypt what ranks send each other over a network (TLS 1.3)")
    private boolean encrypt;
    @Option(names = "--device", paramLabel = "auto|cpu|cuda", description = "what the ranks compute on (auto)")
    private String device = "auto";
    @Option(names = "--oversubscribe", description = "allow more ranks than GPUs or slots")
    private boolean oversubscribe;
    @Option(names = {"-tag-output", "--tag-output"}, description = "begin every line of output with [rank]")
    private boolean tagOutput;
    @Option(names = {"-output-filename",
            "--output-filename"}, paramLabel = "DIR", description = "output into DIR/rank.N.out and DIR/rank.N.err")
    private String outputDirectory;
    @Option(names = {"-timeout",
            "--timeout"}, paramLabel = "SECONDS", description = "end the job after this long, with exit code 124")
    private String timeout;
    @Option(names = "--timeout-collective", paramLabel = "SECONDS", description = "end the job when a rank keeps others waiting in a collective, or for a message, for this long without a sign of progress; 0: never (600)")
    private String collectiveTimeout = "600";
    @Option(names = "--max-restarts", paramLabel = "R", description = "start all ranks again, at most R times, when one dies or its host does (0); what they had not written down is done again, generate goes on from its journal")
    private String maxRestarts = "0";
    @Option(names = "--restart-window", paramLabel = "SECONDS", description = "with --max-restarts: count only the restarts of the last SECONDS (all)")
    private String restartWindow;
    @Option(names = "--min-ranks", paramLabel = "M", description = "with --max-restarts: go on with M ranks or more where the hosts that still answer have no room for all (all)")
    private String minRanks;
    @Option(names = "--dry-run", description = "print rank, host, GPU and command of every rank, start nothing")
    private boolean dryRun;
    @Option(names = "--serve", hidden = true, description = "srun has started the agents: print where they find us")
    private boolean serve;
    @Option(names = "--watch", description = "show finished rows while the job runs, of each rank at most one a second")
    private boolean watch;
    @Option(names = {"-q", "--quiet"}, description = "no progress")
    private boolean quiet;
    @Option(names = {"-v",
            "--verbose"}, description = "say what is started, and print the traces of exceptions that a sentence stands for")
    private boolean verbose;
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this help")
    @SuppressWarnings("unused") // picocli answers it
    private boolean help;
    @Option(names = {"-V", "--version"}, versionHelp = true, description = "the version")
    @SuppressWarnings("unused") // picocli answers it
    private boolean version;
    @Parameters(arity = "0..*", hidden = true)
    private List<String> words = List.of();

    /** {@code lockstep.home}, {@code lockstep.mpj.jar} and {@code lockstep.terminal} are set by launch/mpjrun.sh. */
    public static void main(String[] args) {
        CommandLine line = new CommandLine(new Mpjrun()).setStopAtPositional(true)
                .setPosixClusteredShortOptionsAllowed(false).setUnmatchedOptionsArePositionalParams(true)
                .setOverwrittenOptionsAllowed(true).setExpandAtFiles(false).setUsageHelpLongOptionsMaxWidth(30);
        line.setParameterExceptionHandler((e, a) -> refuse(e instanceof CommandLine.MissingParameterException
                ? a[a.length - 1] + " needs a value after it"
                : e.getMessage()));
        line.setExecutionExceptionHandler((e, l, r) -> {
            if (e instanceof IOException why) { // the host, not a mistake of ours
                if (l.<Mpjrun>getCommand().verbose) {
                    e.printStackTrace();
                }
                return refuse("the job cannot start: "
                        + (e instanceof FileSystemException file && file.getFile() != null ? file.getFile() + ": " : "")
                        + IoReason.of(why));
            }
            if (e instanceof UsageException) {
                return refuse(e.getMessage());
            }
            throw e;
        });
        System.exit(line.execute(translated(line, args)));
    }

    private static String[] translated(CommandLine line, String... args) {
        try {
            ForeignOptions.Translation own = ForeignOptions.translate(ForeignOptions.LAUNCHER, line, List.of(args),
                    false);
            own.notes().forEach(note -> System.err.println("mpjrun: " + note));
            return own.args().toArray(String[]::new);
        } catch (UsageException e) {
            System.exit(refuse(e.getMessage()));
            throw e;
        }
    }

    private static int refuse(@Nullable String sentence) {
        System.err.println(Printable.line("mpjrun: " + sentence));
        return ExitCode.USAGE.code();
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path home = Path.of(System.getProperty("lockstep.home", ".")).toAbsolutePath().normalize();
        Map<String, String> environment = System.getenv();
        Traffic traffic = traffic();
        int count = np == null ? 0 : OptionValues.ranks(np);
        if (words.isEmpty()) {
            throw new UsageException(
                    "name a JOB: generate, model, bench, selftest, hello, a class on -cp, a .java file, or -jar and a jar "
                            + "(-h shows all options)");
        }
        if (words.get(0).startsWith("-") && !words.get(0).equals("-jar")) {
            throw new UsageException(JobCheck.unknown(words.get(0)));
        }
        if (!List.of("auto", "cpu", "cuda").contains(device)) {
            throw new UsageException("--device " + device + ": give auto, cpu or cuda");
        }
        Duration limit = timeout == null ? null : OptionValues.seconds("--timeout", timeout);
        Duration bootstrap = OptionValues.seconds("LOCKSTEP_BOOTSTRAP_TIMEOUT",
                environment.getOrDefault("LOCKSTEP_BOOTSTRAP_TIMEOUT", "300"));
        Duration heartbeat = OptionValues.seconds("LOCKSTEP_HEARTBEAT_TIMEOUT",
                environment.getOrDefault("LOCKSTEP_HEARTBEAT_TIMEOUT", "10"));
        if (heartbeat.toMillis() < 2000) {
            throw new UsageException("LOCKSTEP_HEARTBEAT_TIMEOUT " + heartbeat.toMillis() / 1000.0
                    + ": give at least 2 seconds; ranks send a heartbeat once a second");
        }
        Duration collective = collectiveTimeout.strip().equals("0")
                ? Duration.ZERO
                : OptionValues.seconds("--timeout-collective", collectiveTimeout);
        RestartPolicy restarts = restarts(count);
        Path here = here();
        Path work = directory(here);
        JobCommand command = JobCommand.resolve(words, OptionValues.classPath(classPath, here),
                RankPlanner.runtime(home), here);
        Optional<BuiltInJob> builtIn = JobCommand.builtIn(words.get(0));
        if (builtIn.isPresent()) {
            Optional<ExitCode> settled = JobCheck.check(builtIn.get(), words.subList(1, words.size()));
            if (settled.isPresent()) {
                return settled.get().code();
            }
        }
        HostList list = hostList(here);
        boolean remote = list != null && !list.slots().keySet().stream().allMatch(SshSpawner::isHere);
        Map<String, String> chosen = variables(environment);
        CompiledProgram compiled = dryRun
                ? CompiledProgram.NONE
                : SourceFile.compile(command, home, environment, chosen);
        JobSpec job = new JobSpec(device, traffic, oversubscribe, command.classPath(), command.program(), compiled,
                remote ? inherited(environment) : Map.of(), chosen, work.toString(), network, tagOutput, Past.NONE);
        Console output = new Console();
        Path files = outputDirectory == null || dryRun ? null : outputDirectory(here);
        LaunchModes launch = new LaunchModes(home, environment, job,
                new OutputRouter(output, files, new LinkedBlockingQueue<>(), false), bootstrap,
                heartbeat, verbose);
        if (dryRun) {
            plan(launch, list, remote, count, Set.of(), restarts).lines().apply("coordinator")
                    .forEach(System.out::println);
            return ExitCode.DONE.code();
        }
        Supervisor.Options options = new Supervisor.Options(System.nanoTime(), limit, bootstrap, collective, heartbeat,
                quiet, Boolean.getBoolean("lockstep.terminal"), verbose);
        return new JobRun(options, restarts, launch,
                (again, lost) -> plan(again, list, remote, count, lost, restarts), output).run();
    }

    private RestartPolicy restarts(int count) {
        int most = OptionValues.count("--max-restarts", maxRestarts);
        if (most == 0 && (restartWindow != null || minRanks != null)) {
            throw new UsageException((minRanks == null ? "--restart-window" : "--min-ranks")
                    + " is about starting ranks again: give --max-restarts as well");
        }
        if (most > 0 && serve) {
            throw new UsageException("--max-restarts: srun, which has started the ranks, starts them once: "
                    + "launch/mpjrun.sh inside of sbatch or salloc starts them again");
        }
        int least = minRanks == null ? 0 : OptionValues.count("--min-ranks", minRanks);
        if (minRanks != null && (least == 0 || count > 0 && least > count)) {
            throw new UsageException("--min-ranks " + minRanks + ": give 1 or more, and at most as many as -np");
        }
        return new RestartPolicy(most, least,
                restartWindow == null ? null : OptionValues.seconds("--restart-window", restartWindow));
    }

    private Traffic traffic() {
        if (!List.of("auto", "ucx", "tcp", "niodev").contains(mpjDevice)) {
            throw new UsageException("-dev " + mpjDevice
                    + ": give auto, ucx, tcp or niodev, which run one JVM per rank; "
                    + "multicore runs ranks as threads of one JVM, and a JNI library, as a GPU needs, loads only once in it");
        }
        if (encrypt && (mpjDevice.equals("niodev") || mpjDevice.equals("ucx"))) {
            throw new UsageException("--encrypt: " + mpjDevice + " cannot; leave --dev out, or give --dev tcp");
        }
        try {
            return new Traffic(mpjDevice, PortRange.parse(ports), encrypt);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--ports " + ports + ": " + e.getMessage(), e);
        }
    }

    /** Hosts that are named go before the Slurm job that this may be in. */
    private LaunchModes.Plan plan(LaunchModes launch, @Nullable HostList list, boolean remote, int count,
            Set<String> lost, RestartPolicy restarts) throws IOException {
        SlurmAllocation allocation = new SlurmAllocation(launch.environment());
        int tasks = allocation.number("SLURM_STEP_NUM_TASKS");
        if (serve) {
            return launch.served(tasks);
        }
        if (list != null && remote) {
            return launch.overSsh(list, count > 0 ? count : list.size(), lost, restarts::ranks);
        }
        if (list != null) {
            list.share(count, oversubscribe); // refuses too many
            return launch.here(count > 0 ? count : list.size());
        }
        if (SlurmAllocation.isHeldBy(launch.environment())) {
            return launch.throughSlurm(allocation, count, lost, restarts::ranks);
        }
        if (SlurmAllocation.isTask(launch.environment()) && tasks > 1) {
            throw new UsageException("srun has started this as one of several tasks, each of which would be a job "
                    + "of its own: leave srun out, or give it launch/rank.sh instead of launch/mpjrun.sh");
        }
        return launch.here(count);
    }

    private @Nullable HostList hostList(Path here) {
        if (hosts != null && hostFile != null) {
            throw new UsageException("give -H or a host file, not both");
        }
        return hosts != null
                ? HostList.parse(hosts)
                : hostFile == null ? null : HostList.read("host file " + hostFile, here.resolve(hostFile));
    }

    /**
     * ssh brings nothing along; these say how to compute and where models come from, not where the host has its programs.
     * What is passed on is not encrypted, so the hub's token is not among it.
     */
    private static Map<String, String> inherited(Map<String, String> environment) {
        Map<String, String> inherited = new LinkedHashMap<>();
        environment.forEach((name, value) -> {
            if (name.matches(
                    "LOCKSTEP_JAVA_OPTS|HF_(HOME|HUB_CACHE|HUB_OFFLINE|ENDPOINT|TOKEN_PATH)|(OMP|MKL|NCCL|UCX|PYTORCH|DJL|RUST)_.*")
                    && !name.equals("DJL_CACHE_DIR")) {
                inherited.put(name, value);
            }
        });
        return inherited;
    }

    /** The JVM has put U+FFFD for bytes that are not UTF-8; what was meant is lost. */
    private static Path here() throws IOException {
        Path here = Path.of("").toAbsolutePath();
        if (!Files.isDirectory(here)) {
            throw new UsageException("the working directory " + here + " cannot be used: it is gone, or its name is "
                    + "not UTF-8");
        }
        byte[] words = Files.readAllBytes(Path.of("/proc/self/cmdline"));
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(words));
        } catch (CharacterCodingException e) {
            throw new UsageException("the argument " + Stream.of(new String(words, StandardCharsets.UTF_8).split("\0"))
                    .filter(word -> word.contains("\ufffd")).findFirst().orElse("") + " is not UTF-8");
        }
        return here;
    }

    private Path outputDirectory(Path here) {
        try {
            return Files.createDirectories(here.resolve(outputDirectory));
        } catch (IOException e) {
            throw new UsageException("--output-filename " + outputDirectory + ": the directory cannot be made: "
                    + IoReason.of(e));
        }
    }

    private Path directory(Path here) {
        Path work = directory == null ? here : here.resolve(directory);
        if (!Files.isDirectory(work)) {
            throw new UsageException("-wdir " + directory + ": there is no such directory");
        }
        return work;
    }

    private Map<String, String> variables(Map<String, String> environment) {
        Map<String, String> chosen = new LinkedHashMap<>();
        CommandTime.ofLauncher().ifPresent(begun -> chosen.put(CommandTime.VARIABLE, begun));
        if (verbose) {
            chosen.put(RankEnvironment.VERBOSE, "1");
        }
        if (watch && quiet) {
            throw new UsageException("--watch shows rows, and -q shows nothing: give one of them");
        }
        if (watch) {
            chosen.put(RankEnvironment.WATCH, "1");
        }
        for (String variable : variables) {
            int equals = variable.indexOf('=');
            String name = equals < 0 ? variable : variable.substring(0, equals);
            if (name.isEmpty()) {
                throw new UsageException("-x " + variable + ": give VAR or VAR=value");
            }
            String value = equals < 0 ? environment.get(name) : variable.substring(equals + 1);
            if (value == null) {
                throw new UsageException("-x " + name + ": it is not set here; give " + name + "=value");
            }
            chosen.put(name, value);
        }
        return chosen;
    }

    /** From the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Mpjrun.class.getPackage().getImplementationVersion();
            return new String[]{"lockstep " + (version == null ? "(not from its jar)" : version)};
        }
    }
}
