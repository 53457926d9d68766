package dev.lockstep.launch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import dev.lockstep.wire.RankEnvironment;

/** How many ranks a job has, what each computes on, and what it takes to start them. */
final class Ranks {
    private static final String CUDA_VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES";

    private final Path home;
    private final Map<String, String> environment;
    private final GpuBinding gpus;
    private final boolean cuda;
    private final int size;
    private final List<String> moreJvmOptions = new ArrayList<>();

    /**
     * @param home        Lockstep's own directory
     * @param environment the launcher's
     * @param device      auto, cpu or cuda
     * @param count       the number asked for, or 0
     */
    Ranks(Path home, Map<String, String> environment, String device, int count, boolean oversubscribe) {
        this.home = home;
        this.environment = environment;
        this.gpus = GpuBinding.detect(environment.get(CUDA_VISIBLE_DEVICES), Path.of("/dev"));
        int visible = gpus.visible().size();
        this.cuda = switch (device) {
            case "auto" -> visible > 0;
            case "cpu" -> false;
            case "cuda" -> true;
            default -> throw new UsageException("--device " + device + ": give auto, cpu or cuda");
        };
        if (cuda && visible == 0) {
            throw new UsageException("--device cuda: no GPU is visible here (CUDA_VISIBLE_DEVICES is "
                    + (environment.containsKey(CUDA_VISIBLE_DEVICES)
                            ? "set and names none"
                            : "not set and there is no /dev/nvidia0")
                    + "); --device cpu computes without");
        }
        this.size = count > 0 ? count : cuda ? visible : 1;
        if (cuda && size > visible && !oversubscribe) {
            throw new UsageException("-np " + size + " is more than the " + visible + " visible GPU"
                    + (visible == 1 ? "" : "s") + ": --oversubscribe lets ranks share them, --device cpu computes "
                    + "without");
        }
    }

    int size() {
        return size;
    }

    /** Lets the ranks resolve names from this file only. */
    void useHostsFile(Path file) {
        moreJvmOptions.add("-Djdk.net.hosts.file=" + file);
    }

    /** Lockstep's own class path; libtorch for CPU only where it is wanted, because DJL would prefer it to CUDA's. */
    List<String> runtime() {
        List<String> entries = new ArrayList<>(List.of(home + "/target/lockstep.jar", home + "/target/lib/*"));
        String mpj = System.getProperty("lockstep.mpj.jar");
        if (mpj != null) {
            entries.add(mpj);
        }
        if (!cuda && !environment.containsKey("PYTORCH_LIBRARY_PATH")) {
            entries.add(home + "/target/lib-cpu/*");
        }
        return entries;
    }

    /** @param extra what -x asked for, which wins over everything else */
    List<RankPlan> plan(JobCommand job, Map<String, String> extra, Path directory, String coordinator, String token) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions());
        command.addAll(job.arguments());
        String host = hostName();
        List<RankPlan> plans = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            String gpu = cuda ? gpus.of(rank) : "";
            Map<String, String> variables = new LinkedHashMap<>(common());
            variables.put(CUDA_VISIBLE_DEVICES, gpu);
            variables.putAll(extra);
            variables.putAll(new RankEnvironment(rank, size, rank, size, host, cuda ? "cuda" : "cpu", coordinator,
                    token).variables());
            plans.add(new RankPlan(rank, rank, host, gpu, variables, command, directory));
        }
        return plans;
    }

    private Map<String, String> common() {
        Map<String, String> variables = new LinkedHashMap<>();
        String threads = Integer.toString(Math.max(1, Runtime.getRuntime().availableProcessors() / size));
        variables.put("OMP_NUM_THREADS", environment.getOrDefault("OMP_NUM_THREADS", threads));
        variables.put("MKL_NUM_THREADS", environment.getOrDefault("MKL_NUM_THREADS", threads));
        // a thread that spins between two kernels takes the core from another rank
        variables.put("OMP_WAIT_POLICY", environment.getOrDefault("OMP_WAIT_POLICY", "PASSIVE"));
        // DJL's tokenizers would look for a CUDA build of themselves
        variables.put("RUST_FLAVOR", environment.getOrDefault("RUST_FLAVOR", "cpu"));
        // DJL would ask the host's cloud service who it is and report to its makers
        variables.put("OPT_OUT_TRACKING", environment.getOrDefault("OPT_OUT_TRACKING", "true"));
        String mpj = environment.get("MPJ_HOME");
        boolean configured = mpj != null && Files.isRegularFile(Path.of(mpj, "conf", "mpjexpress.conf"));
        variables.put("MPJ_HOME", configured ? mpj : home.toString());
        return variables;
    }

    /** conf/jvm.options, the share of memory divided between the ranks, then what the user adds. */
    private List<String> jvmOptions() {
        Path conf = home.resolve("conf");
        List<String> options = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(conf.resolve("jvm.options"))) {
                String option = line.strip();
                if (!option.isEmpty() && !option.startsWith("#")) {
                    options.add(divide(option));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(conf.resolve("jvm.options") + " cannot be read", e);
        }
        options.add("-Dlogback.configurationFile=" + conf.resolve("logback.xml"));
        options.add("-Dlockstep.home=" + conf.getParent());
        options.addAll(moreJvmOptions);
        for (String option : environment.getOrDefault("LOCKSTEP_JAVA_OPTS", "").strip().split("\\s+")) {
            if (!option.isEmpty()) {
                options.add(option);
            }
        }
        return options;
    }

    private String divide(String option) {
        String share = "-XX:MaxRAMPercentage=";
        return option.startsWith(share)
                ? share + String.format(Locale.ROOT, "%.2f",
                        Double.parseDouble(option.substring(share.length())) / size)
                : option;
    }

    /** As the kernel has it; asking the resolver could take seconds, or fail where the name is in no DNS. */
    static String hostName() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            return "localhost";
        }
    }
}
