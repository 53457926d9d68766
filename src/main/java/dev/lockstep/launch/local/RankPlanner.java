package dev.lockstep.launch.local;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.HostName;
import dev.lockstep.host.UsageException;
import dev.lockstep.wire.HostRanks;
import dev.lockstep.wire.JobSpec;
import dev.lockstep.wire.RankEnvironment;

/** What a job's ranks compute on and what it takes to start them, on the host that they are started on. */
public final class RankPlanner {
    static final String CUDA_VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES";
    /**
     * It is to catch no signal that is the JVM's, watch no memory, start no thread for onlookers and leave the words to us;
     * and some more than sixty small messages to a rank that is at work are to keep no sender waiting.
     */
    private static final List<String> UCX = List.of("UCX_HANDLE_ERRORS=none", "UCX_MEM_EVENTS=n", "UCX_VFS_ENABLE=n",
            "UCX_LOG_LEVEL=fatal", "UCX_POSIX_FIFO_SIZE=256");

    private final Path home;
    private final Map<String, String> environment;
    private final JobSpec job;
    private final GpuBinding gpus;
    private final HostLimits limits;
    private final boolean cuda;
    private final List<String> moreJvmOptions = new ArrayList<>();
    private @Nullable ScratchDirectory scratch; // null: ranks that are only shown have none
    private @Nullable Path compiled; // null: the program is started as the user has named it

    /**
     * @param home Lockstep's own directory
     * @param own  this process's variables; those that the job brings win
     * @param gpus of this host
     */
    public RankPlanner(Path home, Map<String, String> own, JobSpec job, GpuBinding gpus, HostLimits limits) {
        this.home = home;
        this.environment = new HashMap<>(own);
        environment.putAll(job.inherited());
        this.job = job;
        this.gpus = gpus;
        this.limits = limits;
        int visible = gpus.visible().size();
        this.cuda = switch (job.device()) {
            case "auto" -> visible > 0;
            case "cpu" -> false;
            case "cuda" -> true;
            default -> throw new UsageException("--device " + job.device() + ": give auto, cpu or cuda");
        };
        if (cuda && visible == 0) {
            throw new UsageException("--device cuda: no GPU is visible here (CUDA_VISIBLE_DEVICES is "
                    + (environment.containsKey(CUDA_VISIBLE_DEVICES)
                            ? "set and names none"
                            : "not set and there is no /dev/nvidia0")
                    + "); --device cpu computes without one");
        }
    }

    /** As many as this host has GPUs for, at least one. */
    public int defaultCount() {
        return cuda ? gpus.visible().size() : 1;
    }

    /**
     * @param asked begins the sentence: "-np 3 is"
     * @throws UsageException when so many would have to share GPUs and may not
     */
    public void checkGpusFor(int count, String asked) {
        int visible = gpus.visible().size();
        if (cuda && count > visible && !job.oversubscribe()) {
            throw new UsageException(asked + " more than the " + visible + " visible GPU"
                    + (visible == 1 ? "" : "s")
                    + ": --oversubscribe lets ranks share them, --device cpu computes without any");
        }
    }

    /**
     * @param asked begins the sentence: "-np 300 is"
     * @throws UsageException when this host would not get so many started and they may not try
     */
    public void checkRoomFor(int count, String asked) {
        if (count > limits.mostRanks() && !job.oversubscribe()) {
            throw new UsageException(asked + " more than this host has room for, " + limits.room()
                    + ": --oversubscribe starts them all the same, -H names more hosts");
        }
    }

    /**
     * Makes a temporary directory for the ranks, unless the user has named one for them with {@code -x TMPDIR=}, with the
     * classes of a program that was compiled and, where a rank could not find its own host's name, a file of names in it.
     *
     * @param size of the job
     * @throws UsageException when it cannot be made
     */
    public ScratchDirectory prepare(int size) throws IOException {
        ScratchDirectory made = ScratchDirectory.create(environment);
        if (!job.variables().containsKey("TMPDIR")) {
            scratch = made;
        }
        if (job.compiled().isOfUse()) {
            compiled = Files.write(made.directory().resolve("program.jar"), job.compiled().jar());
        }
        if (size > 1) {
            HostsFile.ifNeeded(HostName.here(), made.directory())
                    .ifPresent(file -> moreJvmOptions.add("-Djdk.net.hosts.file=" + file));
        }
        return made;
    }

    /** Lockstep's own class path, without libtorch. */
    public static List<String> runtime(Path home) {
        List<String> entries = new ArrayList<>(List.of(home + "/target/lockstep.jar"));
        entries.addAll(ClassData.jars(home.resolve("target/lib").toFile()));
        String mpj = System.getProperty("lockstep.mpj.jar");
        if (mpj != null) {
            entries.add(mpj);
        }
        return entries;
    }

    /**
     * @param share       which ranks, and how they are to be called
     * @param coordinator the launcher's address and port as seen from here
     */
    public List<RankPlan> plan(HostRanks share, String coordinator, String token) throws IOException {
        List<String> command = command(share);
        String address = job.network().isEmpty()
                ? ""
                : HostAddresses.text(HostAddresses.addresses(job.network()).get(0));
        String host = share.host().isEmpty() ? HostName.here() : share.host();
        Map<String, String> common = common(share.localSize());
        List<RankPlan> plans = new ArrayList<>();
        for (int i = 0; i < share.ranks().size(); i++) {
            int rank = share.ranks().get(i);
            int localRank = share.firstLocalRank() + i;
            String gpu = cuda ? gpus.of(localRank) : "";
            Map<String, String> variables = new LinkedHashMap<>(job.inherited());
            variables.putAll(common);
            List<String> own = new ArrayList<>(command);
            own.addAll(1, ClassData.making(rank, runtime(home)));
            if (scratch != null) {
                String directory = scratch.of(rank).toString();
                variables.put("TMPDIR", directory);
                own.add(1, "-Djava.io.tmpdir=" + directory); // before what the user adds
            }
            variables.put(CUDA_VISIBLE_DEVICES, gpu);
            variables.putAll(job.variables());
            variables.putAll(new RankEnvironment(rank, share.size(), localRank, share.localSize(), host,
                    cuda ? "cuda" : "cpu", job.traffic(), address, coordinator, token,
                    job.past()).variables());
            plans.add(new RankPlan(rank, localRank, host, gpu, variables, own, Path.of(job.directory())));
        }
        return plans;
    }

    private List<String> command(HostRanks share) {
        List<String> classPath = new ArrayList<>(job.classPath());
        List<String> program = new ArrayList<>(job.program());
        if (compiled != null) {
            classPath.add(0, compiled.toString());
            program.set(0, job.compiled().mainClass());
        }
        ClassPath.Brought brought = new ClassPath(classPath).brought();
        boolean nested = NestedJar.isStartedBy(program.get(0));
        List<String> options = jvmOptions(share.localSize(), nested || brought.loggingSettings());
        List<String> own = new ArrayList<>(runtime(home));
        ClassData data = ClassData.find(options, limits.memory(), environment);
        boolean serves = !nested && data.serves(classPath);
        if (serves) {
            options.addAll(0, data.options()); // what the user adds wins
        } else if (brought.logging()) {
            own.removeIf(entry -> entry.contains("/logback-")); // slf4j would complain of two, and take either
        }
        // libtorch for CPU only where it is wanted, because DJL would prefer it to CUDA's
        List<String> libtorch = !cuda && !environment.containsKey("PYTORCH_LIBRARY_PATH")
                ? ClassData.jars(home.resolve("target/lib-cpu").toFile())
                : List.of();
        if (nested) {
            options.add(NestedJar.option(own, libtorch));
        } else if (serves) {
            classPath.addAll(0, own);
            classPath.addAll(libtorch);
        } else {
            classPath.addAll(own);
            classPath.addAll(libtorch);
            if (brought.lockstep()) {
                classPath.add(0, own.get(0)); // the launcher's own build, with which it can speak
            }
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", String.join(File.pathSeparator, classPath)));
        command.addAll(program);
        return command;
    }

    private Map<String, String> common(int localSize) {
        Map<String, String> variables = new LinkedHashMap<>();
        String threads = Integer.toString(limits.threads(localSize));
        variables.put("OMP_NUM_THREADS", environment.getOrDefault("OMP_NUM_THREADS", threads));
        variables.put("MKL_NUM_THREADS", environment.getOrDefault("MKL_NUM_THREADS", threads));
        // a thread that spins between two kernels takes the core from another rank
        variables.put("OMP_WAIT_POLICY", environment.getOrDefault("OMP_WAIT_POLICY", "PASSIVE"));
        // DJL's tokenizers would look for a CUDA build of themselves
        variables.put("RUST_FLAVOR", environment.getOrDefault("RUST_FLAVOR", "cpu"));
        // DJL would ask the host's cloud service who it is and report to its makers
        variables.put("OPT_OUT_TRACKING", environment.getOrDefault("OPT_OUT_TRACKING", "true"));
        for (String setting : UCX) {
            String name = setting.substring(0, setting.indexOf('='));
            variables.put(name, environment.getOrDefault(name, setting.substring(name.length() + 1)));
        }
        String mpj = environment.get("MPJ_HOME");
        boolean configured = mpj != null && Files.isRegularFile(Path.of(mpj, "conf", "mpjexpress.conf"));
        variables.put("MPJ_HOME", configured ? mpj : home.toString());
        return variables;
    }

    /**
     * conf/jvm.options, the share of memory divided between the ranks, then what the user adds.
     *
     * @param logsItsWay the program says itself how it logs
     */
    private List<String> jvmOptions(int localSize, boolean logsItsWay) {
        Path conf = home.resolve("conf");
        List<String> options = new ArrayList<>();
        if (limits.memory() > 0) {
            options.add("-XX:MaxRAM=" + limits.memory()); // what the percentage below is of
        }
        configuredJvmOptions(home).forEach(option -> options.add(divide(option, localSize)));
        if (!logsItsWay) {
            options.add("-Dlogback.configurationFile=" + conf.resolve("logback.xml"));
        }
        options.add("-Dlockstep.home=" + conf.getParent());
        String ucx = System.getProperty("lockstep.ucx", "");
        if (!ucx.isEmpty()) {
            options.add("-Dlockstep.ucx=" + ucx);
        }
        options.addAll(moreJvmOptions);
        for (String option : environment.getOrDefault("LOCKSTEP_JAVA_OPTS", "").strip().split("\\s+")) {
            if (!option.isEmpty()) {
                options.add(option);
            }
        }
        return options;
    }

    /** Those of conf/jvm.options, as they are there. */
    public static List<String> configuredJvmOptions(Path home) {
        Path file = home.resolve("conf/jvm.options");
        try {
            return Files.readAllLines(file).stream().map(String::strip)
                    .filter(option -> !option.isEmpty() && !option.startsWith("#")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        }
    }

    private static String divide(String option, int localSize) {
        String share = "-XX:MaxRAMPercentage=";
        return option.startsWith(share)
                ? share + String.format(Locale.ROOT, "%.2f",
                        Double.parseDouble(option.substring(share.length())) / localSize)
                : option;
    }
}
